"""What happened beside what: the caller's steps, syslets in the background, rings, who waits.

From left to right is the order of the reference's trace; it is no measure of time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from syslet_conformance.results import Evidence, Traced, Turn
from syslet_conformance.svg import LINE_PX, Picture, fitting, width_of

COLUMNS = 60
"""So many moments are drawn: those up to the first step that differs rather than others."""

MOMENT_PX, GAP_PX, LANE_PX, TOP_PX = 64, 10, 40, 24
STEP_PX = 3 * LINE_PX + 8
STEP_MOST_PX = 230
SHOWN = frozenset({"fetch", "block", "fault", "post", "wake", "return"})
"""Events that have a moment of their own; also the result of a call that was blocked."""


@dataclass(slots=True)
class _Moment:
    """An event, the place where it is drawn, and its atom's run or what it starts."""

    event: Traced
    turn: int
    x: float = 0.0
    width: float = 0.0


@dataclass(slots=True)
class _Lane:
    """A row: its name, and the bars, runs and dots in it."""

    name: str
    bars: list[tuple[float, float, str, str]] = field(default_factory=list)
    boxes: list[tuple[float, float, str, str]] = field(default_factory=list)
    dots: list[tuple[float, str, str]] = field(default_factory=list)


class _Window(NamedTuple):
    """What is drawn: moments, and the steps from `first` to before `until`.

    `left_out` counts the moments of these steps for which there is no room.
    """

    moments: list[_Moment]
    left_out: int
    first: int
    until: int


def timeline(evidence: Evidence) -> str:
    """An ``<svg>``; "" where the reference did nothing."""
    if not any(turn.trace for turn in evidence.turns):
        return ""
    turns = evidence.turns
    window = _window(evidence)
    moments = window.moments
    names = ["in the caller", *(f"ring of {head}" for head in _heads(moments))]
    left = min(max(map(width_of, names)), 150.0) + 18
    starts, right = _place(turns, window, left)
    lanes = _lanes(moments, starts, turns, right)
    picture = Picture("What happened beside what", _told(turns))
    picture.text(8, 14, "From left to right: the order of events on the reference.", "soft")
    picture.text(8, TOP_PX + 16, "the caller", "name")
    for number, (x, width) in starts.items():
        _step(picture, x, width, turns[number], number == evidence.parting)
    y = TOP_PX + STEP_PX + 12.0
    for x, _ in list(starts.values())[1:]:
        edge = x - GAP_PX / 2
        picture.line([(edge, y - 8), (edge, y + LANE_PX * len(lanes))], "faint")
    for lane in lanes:
        _draw(picture, lane, y, left, right)
        y += LANE_PX
    y = _cuts(picture, window, len(turns), right, y)
    return picture.done(max(right + 12, 8 + width_of("From left to right: " * 3)), y)


# -- what is drawn ----------------------------------------------------------------------


def _moments(turns: tuple[Turn, ...]) -> list[_Moment]:
    blocked: set[int] = set()
    moments = []
    for number, turn in enumerate(turns):
        for event in turn.trace:
            resumes = event.step == "result" and event.syslet in blocked
            if event.step == "block":
                blocked.add(event.syslet)
            elif event.step == "result":
                blocked.discard(event.syslet)
            if event.step in SHOWN or resumes:
                moments.append(_Moment(event, number))
    return moments


def _window(evidence: Evidence) -> _Window:
    """A step counts as a moment at least. Those before the first that differs are kept first."""
    turns = evidence.turns
    moments = _moments(turns)
    counts = Counter(moment.turn for moment in moments)
    sizes = [max(1, counts[number]) for number in range(len(turns))]
    last = len(turns) - 1 if evidence.parting is None else evidence.parting
    first, until = last, last + 1
    room = COLUMNS - min(sizes[last], COLUMNS)
    while first > 0 and sizes[first - 1] <= room:
        first -= 1
        room -= sizes[first]
    while until < len(turns) and sizes[until] <= room:
        room -= sizes[until]
        until += 1
    inside = [moment for moment in moments if first <= moment.turn < until]
    return _Window(inside[:COLUMNS], len(inside[COLUMNS:]), first, until)


def _place(
    turns: tuple[Turn, ...], window: _Window, left: float
) -> tuple[dict[int, tuple[float, float]], float]:
    """Give each moment its place; each step's (x, width), and where the last of them ends."""
    starts: dict[int, tuple[float, float]] = {}
    x = left
    for number in range(window.first, window.until):
        inside = [m for m in window.moments if m.turn == number]
        wanted = min(max(width_of(line) for line in _step_lines(turns[number])), STEP_MOST_PX) + 16
        width = max(MOMENT_PX * len(inside), wanted)
        for place, moment in enumerate(inside):
            moment.width = width / len(inside)
            moment.x = x + moment.width * place
        starts[number] = x, width
        x += width + GAP_PX
    return starts, x - GAP_PX


def _heads(moments: list[_Moment]) -> list[str]:
    heads = [m.event.detail.get("head", "") for m in moments if m.event.step == "post"]
    return list(dict.fromkeys(heads))


# -- lanes ------------------------------------------------------------------------------


def _lanes(
    moments: list[_Moment],
    starts: dict[int, tuple[float, float]],
    turns: tuple[Turn, ...],
    right: float,
) -> list[_Lane]:
    caller = _Lane("in the caller")
    behind = {s: _Lane(f"syslet {s}") for s in _backgrounds(moments)}
    for syslet in sorted({m.event.syslet for m in moments if m.event.syslet}):
        _syslet([m for m in moments if m.event.syslet == syslet], caller, behind.get(syslet), right)
    rings = {head: _Lane(f"ring of {head}") for head in _heads(moments)}
    for moment in moments:
        if moment.event.step == "post":
            detail, x = moment.event.detail, moment.x + moment.width / 2
            lost = "errno" in detail
            what = f"lost, errno {detail['errno']}" if lost else f"[{detail.get('index', '')}]"
            text = f"{what} {moment.event.atom}"
            rings[detail.get("head", "")].dots.append((x, text, "dot bad" if lost else "dot"))
    waiter = _Lane("the waiter")
    _waits(waiter, moments, starts, turns, right)
    every = [caller, *behind.values(), *rings.values(), waiter]
    return [lane for lane in every if lane.bars or lane.boxes or lane.dots]


def _backgrounds(moments: list[_Moment]) -> list[int]:
    """The syslets that went asynchronous: their exec returned NULL, or they woke somebody."""
    events = [moment.event for moment in moments if moment.event.syslet]
    woke = {event.syslet for event in events if event.step == "wake"}
    returned = (event for event in events if event.step == "return")
    return sorted(woke | {event.syslet for event in returned if event.detail.get("word") == "0"})


def _syslet(moments: list[_Moment], caller: _Lane, behind: _Lane | None, right: float) -> None:
    """The runs of one syslet's atoms, in the caller until it blocked or was told to go on alone."""
    lane = caller
    parked: _Moment | None = None
    since: float | None = None
    ended: float | None = None
    for moment in moments:
        event = moment.event
        if event.step == "fetch":
            if behind and "ASYNC" in event.detail.get("flags", "").split("|"):
                lane = behind
            if lane is behind and since is None:
                since = moment.x
            lane.boxes.append((moment.x, moment.width, event.atom, f"{event.atom} runs"))
        elif event.step == "block":
            if behind:
                lane = behind
                since = moment.x if since is None else since
            parked = moment
        elif event.step == "result" and parked is not None:
            lane.bars.append((parked.x, moment.x, "blocked", f"{event.atom} is blocked"))
            lane.boxes.append((moment.x, moment.width, event.atom, f"{event.atom} goes on"))
            parked = None
        elif event.step == "fault":
            address = event.detail.get("address", "")
            lane.dots.append((moment.x + moment.width / 2, f"fault {address}", "dot bad"))
        elif event.step == "wake":
            ended = moment.x + moment.width / 2
        elif event.step == "return" and behind and lane is caller:
            lane = behind
    if parked is not None:
        lane.bars.append((parked.x, right, "blocked", f"{parked.event.atom} is blocked"))
    elif behind and since is not None:
        behind.bars.append((since, right if ended is None else ended, "", "in the background"))
    if behind and parked is None and ended is not None:
        behind.dots.append((ended, "over", "dot"))


def _waits(
    lane: _Lane,
    moments: list[_Moment],
    starts: dict[int, tuple[float, float]],
    turns: tuple[Turn, ...],
    right: float,
) -> None:
    """From the start of each wait to its return, which may come in a later step."""
    waiting: list[int] = []
    returns = [m for m in moments if m.event.step == "return" and not m.event.syslet]
    for number, (x, _) in starts.items():
        if turns[number].step.startswith("wait "):
            waiting.append(number)
            back = next((m for m in returns if m.turn >= number), None)
            if back is not None:
                returns.remove(back)
            end = right if back is None else back.x + back.width / 2
            lane.bars.append((x, end, "", turns[number].step))
            if back is not None:
                word = back.event.detail.get("word", "")
                lane.dots.append((end, word, "dot bad" if word.startswith("-") else "dot"))


# -- painting ---------------------------------------------------------------------------


def _step_lines(turn: Turn) -> list[str]:
    lines = [turn.step]
    if not turn.differs:
        return [*lines, turn.engine]
    return [*lines, f"engine: {turn.engine or 'nothing'}", f"right: {turn.reference or 'nothing'}"]


def _step(picture: Picture, x: float, width: float, turn: Turn, differs: bool) -> None:
    lines = _step_lines(turn)
    kind = "box bad" if differs else "box"
    picture.box(x, TOP_PX, width, STEP_PX, kind, "; ".join(lines), step=turn.step)
    kinds = ["name", "bad", "good"] if len(lines) == 3 else ["name", "soft"]
    for row, (line, of_line) in enumerate(zip(lines, kinds, strict=True)):
        text = fitting(line, width - 14)
        picture.text(x + 7, TOP_PX + 16 + LINE_PX * row, text, of_line)


def _draw(picture: Picture, lane: _Lane, y: float, left: float, right: float) -> None:
    middle = y + 14
    picture.text(8, middle + 4, fitting(lane.name, left - 14), "name")
    picture.line([(left, middle), (right, middle)], "rule soft dash")
    for start, end, kind, tip in sorted(lane.bars, key=lambda bar: bar[2] == "blocked"):
        if kind == "blocked":
            picture.line([(start, middle), (max(end, start + 2), middle)], kind, lane=lane.name)
            picture.text(start + 8, middle + 17, "blocked")
        else:
            picture.box(start, middle - 4, max(end - start, 2), 8, "box", tip, lane=lane.name)
    for x, width, text, tip in lane.boxes:
        picture.box(x + 2, middle - 11, width - 4, 22, "box way", tip, lane=lane.name)
        picture.text(x + 6, middle + 4, fitting(text, width - 10))
    for x, text, kind in lane.dots:
        picture.dot(x, middle, kind, text, lane=lane.name, at=text)
        picture.text(
            x + 8, middle + 16, fitting(text, MOMENT_PX * 2), "bad" if "bad" in kind else ""
        )


def _cuts(picture: Picture, window: _Window, turns: int, right: float, y: float) -> float:
    """What is left out of that many turns, said below."""
    said = []
    if window.first:
        said.append(f"… {window.first} steps before it")
    if window.until < turns:
        said.append(f"{turns - window.until} steps after it …")
    if window.left_out:
        said.append(f"{window.left_out} events within it")
    if said:
        picture.text(8, y + 8, f"Not drawn: {', '.join(said)}", "soft")
        picture.line([(right + 6, TOP_PX), (right + 6, y - 8)], "edge dash", cut="cut")
        y += LINE_PX
    return y


def _told(turns: tuple[Turn, ...]) -> str:
    return ". ".join(f"{turn.step}: {turn.reference or 'done'}" for turn in turns[:40])
