"""The atoms of a program as a graph: in the order of memory, with the ways that were taken.

`next` leads along the left side, a skip along the right: it goes to the atom that lies a full
stride on, which is what the order shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from syslet_conformance.results import AtomSeen, Evidence, Traced
from syslet_conformance.svg import LINE_PX, Picture, fitting, width_of

ATOMS = 40
"""So many are drawn."""

WAYS = 4
"""Of so many syslets the way is drawn."""

VISITS = 4
"""So many numbers of one syslet are shown at one atom."""

BOX_PX, GAP_PX, TOP_PX, EDGE_PX, LANE_PX = 380.0, 22.0, 62.0, 18.0, 11.0

SKIPS, STOPS = "SKIP_TO_NEXT_ON_STOP", "STOP_ON_"


@dataclass(slots=True)
class Way:
    """Where one syslet went: atoms in order, whether each stopped, and how it ended."""

    syslet: int
    atoms: list[str] = field(default_factory=list)
    stopped: list[bool] = field(default_factory=list)
    end: str = ""

    def take(self, event: Traced) -> None:
        """One more event of this syslet."""
        match event.step:
            case "fetch":
                self.atoms.append(event.atom)
                self.stopped.append(False)
                self.end = ""
            case "block":
                self.end = "is blocked here"
            case "result":
                self.end = ""
            case "stop":
                self.stopped[-1:] = [event.detail.get("stopped") == "1"]
            case "successor" if event.detail.get("next") == "NULL":
                self.end = "ends here" + " by a stop" * self.stopped[-1:].count(True)
            case "fault":
                self.end = f"faults at {event.detail.get('address', '')}"
            case "post" if "errno" in event.detail:
                self.end = f"ends here, its entry is lost (errno {event.detail['errno']})"
            case "post":
                slot, head = event.detail.get("index", ""), event.detail.get("head", "")
                self.end = f"ends here, its entry is in slot {slot} of {head}"


@dataclass(frozen=True, slots=True)
class _Edge:
    """From atom to atom by number; `ways`: those that went there, by number; see `_ways`."""

    source: int
    target: int
    ways: tuple[int, ...] = ()
    declared: bool = True


def graph(evidence: Evidence) -> str:
    """An ``<svg>``; "" where there is no atom."""
    if not evidence.atoms:
        return ""
    ways = _ways(evidence)
    atoms = _drawn(evidence.atoms, ways)
    index = {atom.label: i for i, atom in enumerate(atoms)}
    lines = [_lines(atom, index, ways) for atom in atoms]
    heights = [8 + LINE_PX * len(of_atom) for of_atom in lines]
    tops = list(accumulate((height + GAP_PX for height in heights), initial=TOP_PX))
    nexts, skips = _edges(atoms, index, ways)
    spans = [
        [(tops[e.source] + heights[e.source] - 9.0, tops[e.target] + 11.0) for e in edges]
        for edges in (nexts, skips)
    ]
    left, right = map(_lanes, spans)
    x = EDGE_PX + LANE_PX * (1 + max(left, default=0)) + 14
    width = x + BOX_PX + 14 + LANE_PX * (1 + max(right, default=0)) + EDGE_PX
    picture = Picture("The program's atoms in memory, and the way through them", _told(ways))
    picture.text(8, 16, "Atoms in the order of memory. Left: next.", "soft")
    picture.text(8, 31, "Right: skip, to the atom a full stride on.", "soft")
    _legend(picture, ways)
    for atom, y, height, of_atom in zip(atoms, tops, heights, lines, strict=False):
        visits = _visits(atom.label, ways)
        tip = f"{atom.label}: {atom.call} {atom.flags}"
        kind = "box way" if visits else "box"
        picture.box(x, y, BOX_PX, height, kind, tip, atom=atom.label, visits=visits)
        _written(picture, x, y, atom, visits, of_atom)
    for edges, ends, lanes, side in (
        (nexts, spans[0], left, "next"),
        (skips, spans[1], right, "skip"),
    ):
        for edge, (start, end), lane in zip(edges, ends, lanes, strict=True):
            out = 14 + LANE_PX * lane
            near, turn = (x, x - out) if side == "next" else (x + BOX_PX, x + BOX_PX + out)
            points = [(near, start), (turn, start), (turn, end), (near, end)]
            kind = f"way w{edge.ways[0]}" if edge.ways else ""
            names = atoms[edge.source].label, atoms[edge.target].label
            undeclared = "" if edge.declared else ", as the atom had become"
            tip = f"{side}: {names[0]} to {names[1]}{undeclared}"
            picture.arrow(points, kind, tip, edge=side, of=names[0], to=names[1])
    bottom = tops[-1]
    left_out = len(evidence.atoms) - len(atoms)
    if left_out:
        picture.text(x, bottom, f"… and {left_out} more atoms that are not drawn", "soft")
        bottom += LINE_PX
    return picture.done(width, bottom)


# -- ways -------------------------------------------------------------------------------


def _ways(evidence: Evidence) -> list[Way]:
    """Of the last syslets up to the first step in which engine and reference part."""
    ways: dict[int, Way] = {}
    until = 0
    for turn in evidence.turns:
        for event in turn.trace:
            if event.syslet and event.step not in {"return", "wake"}:
                ways.setdefault(event.syslet, Way(event.syslet)).take(event)
        if turn.differs and not until:
            until = len(ways)
    until = until or len(ways)
    return list(ways.values())[max(0, until - WAYS) : until]


def _legend(picture: Picture, ways: list[Way]) -> None:
    """How the way of each syslet is drawn."""
    if len(ways) < 2:
        picture.text(8, 46, "Thick, with numbers: the way of the reference.", "badge")
        return
    x = 8.0
    for number, way in enumerate(ways):
        picture.line([(x, 42), (x + 30, 42)], f"edge way w{number}")
        picture.text(x + 35, 46, f"s{way.syslet}", "badge")
        x += 48 + width_of(f"s{way.syslet}")
    picture.text(x, 46, "the reference's ways", "badge")


def _told(ways: list[Way]) -> str:
    told = [f"syslet {w.syslet}: {', '.join(w.atoms[:40])}; it {w.end or 'goes on'}" for w in ways]
    return ". ".join(told) or "No atom was run by the reference."


def _visits(label: str, ways: list[Way]) -> str:
    """``1, 3`` of the only syslet, or ``s1: 1, 3  s2: 1``."""
    found = []
    for way in ways:
        numbers = [str(i) for i, atom in enumerate(way.atoms, 1) if atom == label]
        if numbers:
            more = f"… ({len(numbers)})" if len(numbers) > VISITS else ""
            name = f"s{way.syslet}: " if len(ways) > 1 else ""
            found.append(name + ", ".join(numbers[:VISITS]) + more)
    return "  ".join(found)


# -- atoms ------------------------------------------------------------------------------


def _drawn(atoms: tuple[AtomSeen, ...], ways: list[Way]) -> list[AtomSeen]:
    """At most `ATOMS`, in order: those that were run rather than others."""
    run = {label for way in ways for label in way.atoms}
    chosen = sorted(atoms, key=lambda atom: atom.label not in run)[:ATOMS]
    kept = {id(atom) for atom in chosen}
    return [atom for atom in atoms if id(atom) in kept]


def _lines(atom: AtomSeen, index: dict[str, int], ways: list[Way]) -> list[tuple[str, str]]:
    """What a box says below its first line: (text, kind)."""
    lines = [("", "name")]
    flags = atom.flags.split("|") if atom.flags else []
    line = ""
    for flag in flags:
        if line and width_of(f"{line} {flag}") > BOX_PX - 20:
            lines.append((line, "soft"))
            line = ""
        line = f"{line} {flag}".strip()
    if line:
        lines.append((line, "soft"))
    if atom.next and atom.next not in index:
        lines.append((f"next: {atom.next}, which is not drawn", "soft"))
    if SKIPS in flags and atom.skip not in index:
        where = f"{atom.skip}, which is not drawn" if atom.skip else "no atom lies there"
        lines.append((f"skip: {where}", "soft"))
    for way in ways:
        if way.end and way.atoms and way.atoms[-1] == atom.label:
            kind = "bad" if "fault" in way.end or "lost" in way.end else "good"
            name = f"syslet {way.syslet}" if len(ways) > 1 else "the syslet"
            lines.append((f"{name} {way.end}", kind))
    return lines


def _written(
    picture: Picture, x: float, y: float, atom: AtomSeen, visits: str, lines: list[tuple[str, str]]
) -> None:
    badge = fitting(visits, BOX_PX / 2)
    room = BOX_PX - 24 - width_of(badge)
    name = fitting(atom.label, room)
    picture.text(x + 8, y + 16, name, "name")
    room -= width_of(name) + 8
    if room > width_of("getpid"):
        picture.text(x + 16 + width_of(name), y + 16, fitting(atom.call, room))
    if badge:
        picture.text(x + BOX_PX - 8, y + 16, badge, "badge", end=True)
    for number, (text, kind) in enumerate(lines[1:], 1):
        picture.text(x + 8, y + 16 + LINE_PX * number, fitting(text, BOX_PX - 16), kind)


# -- edges ------------------------------------------------------------------------------


def _edges(
    atoms: list[AtomSeen], index: dict[str, int], ways: list[Way]
) -> tuple[list[_Edge], list[_Edge]]:
    """Those by next, and those by skips; also such as were taken and nobody declared."""
    taken: dict[tuple[int, int, bool], list[int]] = {}
    for number, way in enumerate(ways):
        for (a, stopped), (b, _) in pairwise(zip(way.atoms, way.stopped, strict=True)):
            if a in index and b in index:
                taken.setdefault((index[a], index[b], stopped), []).append(number)
    nexts, skips = list[_Edge](), list[_Edge]()
    for i, atom in enumerate(atoms):
        if atom.next in index:
            ways_there = taken.pop((i, index[atom.next], False), [])
            nexts.append(_Edge(i, index[atom.next], tuple(sorted(set(ways_there)))))
        if SKIPS in atom.flags.split("|") and STOPS in atom.flags and atom.skip in index:
            ways_there = taken.pop((i, index[atom.skip], True), [])
            skips.append(_Edge(i, index[atom.skip], tuple(sorted(set(ways_there)))))
    for (i, j, stopped), ways_there in taken.items():
        (skips if stopped else nexts).append(_Edge(i, j, tuple(sorted(set(ways_there))), False))
    return nexts, skips


def _lanes(ends: list[tuple[float, float]]) -> list[int]:
    """For each edge, from height to height, how far from the boxes: none lies over another."""
    lanes = [0] * len(ends)
    spans = [(min(a, b), max(a, b)) for a, b in ends]
    used: list[list[tuple[float, float]]] = []
    for at in sorted(range(len(ends)), key=lambda at: (spans[at][1] - spans[at][0], at)):
        low, high = spans[at]
        lane = 0
        while lane < len(used) and any(low <= b and high >= a for a, b in used[lane]):
            lane += 1
        if lane == len(used):
            used.append([])
        used[lane].append(spans[at])
        lanes[at] = lane
    return lanes
