"""Playing a stream: the same steps on whatever stands behind a `Port`, engine or reference."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from syslet_conformance.calls import Call
from syslet_conformance.contract import is_error
from syslet_conformance.fuzz.arena import (
    ENDS,
    NO_HEAD,
    OF_ENDS,
    PIPES,
    PLACES,
    RINGS,
    Arena,
)
from syslet_conformance.fuzz.stream import (
    CLOSE,
    CONSUME,
    DRAIN,
    DRAIN_BYTES,
    EMPTY,
    EXEC,
    FEED,
    FILL,
    FILL_BYTES,
    POKE,
    STORE,
    WAIT,
    WAITS,
    Step,
    Stream,
    image,
)

ERROR, NULL_WORD, SUBMITTED = "error", "NULL", "submitted"
"""What exec can give, beside an address that was not submitted; which errno is left open."""

MOST_REPORTS = 24
"""So many errors of one head are taken at the end; each step can have brought one."""

PIPE_CLOSES = {False: ("a.write", "b.write"), True: ("a.read", "b.read")}
"""What is closed at the end, by whether the pipe may be full: it lets go who waits at the other."""


class Port(Protocol):
    """What a stream is played on."""

    step: int | None
    """The step that is being taken; None at the end."""

    def begin(self, data: bytearray) -> None:
        """Put the arena's bytes there; the pipes are new ones, if need be."""

    def fds(self, *, used: bool) -> tuple[int, ...]:
        """The descriptors of `ENDS` for a stream that uses the pipes, or does not."""

    def get(self, offset: int, count: int) -> bytes:
        """Bytes of the arena."""

    def put(self, offset: int, data: bytes) -> None:
        """Store bytes in the arena."""

    def exec(self, atom: int, head: int) -> int | Call:
        """The return word, or the call, where only a later step seems to let it go."""

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int | Call:
        """The return word, or the call, where only a later step seems to let it go."""

    def start_exec(self, atom: int, head: int) -> Call:
        """Exec that only a later step lets go."""

    def start_wait(self, min_events: int, user_ring_idx: int, head: int) -> Call:
        """Wait that only a later step lets go."""

    def join(self, call: Call) -> int:
        """The return word of a call that by now should have been let go."""

    def feed(self, pipe: int, data: bytes) -> None:
        """Write into a pipe, as far as there is room."""

    def drain(self, pipe: int, count: int) -> bytes:
        """Read what is there."""

    def close(self, end: int) -> None:
        """Close an end, once."""

    def settled(self) -> None:
        """A step is over."""


class Outcome(NamedTuple):
    """What each step gave, what the end gave for each head, and the arena's bytes."""

    gave: tuple[object, ...]
    ends: tuple[tuple[int, tuple[int, ...]], ...]
    """For each head: how many errors were still reported, and the entries that were left."""
    memory: bytes
    until: tuple[tuple[int, int], ...] = ()
    """Steps whose call waited, and the step behind which it was seen to have returned."""


class Differs(Exception):  # noqa: N818 - what it says
    """A step gave something else than in the outcome that was to be come to."""


def sooner(got: Outcome, wanted: Outcome) -> list[int]:
    """The steps whose call returned before the step that was to let it go."""
    seen = dict(got.until)
    return [number for number, until in wanted.until if seen.get(number, until) < until]


def waited(outcome: Outcome) -> frozenset[int]:
    """The steps whose call waited for a later one."""
    return frozenset(number for number, _ in outcome.until)


def comes_to(got: Outcome, wanted: Outcome, late: frozenset[int]) -> bool:
    """Whether an outcome is the one that is wanted.

    Of the steps that are `late` the call was started, so that it need not wait, and when it
    returned may be seen late.
    """
    if got[:-1] != wanted[:-1] or sooner(got, wanted):
        return False
    return waited(got) - late == waited(wanted) - late


def uses_pipes(stream: Stream) -> bool:
    """Whether an argument or a step names a pipe."""
    kinds = (FEED, DRAIN, CLOSE, FILL, EMPTY)
    return any(place in OF_ENDS for atom in stream.atoms for place in atom.args) or any(
        step.kind in kinds for step in stream.steps
    )


def closing(stream: Stream) -> list[Step]:
    """The steps that let go whatever waits for a pipe, where the stream uses them."""
    if not uses_pipes(stream):
        return []
    full = {step.a for step in stream.steps if step.kind == FILL}
    closed = {ENDS[step.a] for step in stream.steps if step.kind == CLOSE}
    ends = [PIPE_CLOSES[pipe in full][pipe] for pipe in range(len(PIPES))]
    return [Step(CLOSE, ENDS.index(end)) for end in ends if end not in closed]


def index_named(number: int, slots: int) -> int | None:
    """The index that a step passes to wait; None: the one that the program has come to."""
    return (number - 1) % slots if number else None


def play(
    stream: Stream,
    arena: Arena,
    port: Port,
    *,
    late: frozenset[int],
    final: bool,
    to: Outcome | None = None,
) -> Outcome:
    """Play it. `late` are the steps that only later ones let go; `final`: see `Ground`.

    Differs at the first step that gives something else than in `to`.
    """
    steps = [*stream.steps, *closing(stream)]
    port.begin(image(stream, arena, port.fds(used=uses_pipes(stream))))
    addresses = arena.addresses
    gave: list[object] = []
    calls: dict[int, tuple[Call, int]] = {}
    closed: set[int] = set()
    until: dict[int, int] = {}
    for number, step in enumerate(steps):
        port.step = number
        kind, a, b, c = step
        result: object = None
        if kind == EXEC:
            make = port.start_exec if number in late else port.exec
            word = make(addresses[a], arena.no_head if b == NO_HEAD else arena.heads[b])
            if isinstance(word, Call):
                calls[number] = word, addresses[a]
            else:
                result = _exec_gave(arena, word, addresses[a], final)
                if b == NO_HEAD and result == NULL_WORD:
                    result = ERROR  # only wait tells it, on some engines
        elif kind == WAIT:
            named = index_named(c, stream.slots[b])
            index = _user_index(arena, port, b) if named is None else named
            make_wait = port.start_wait if number in late else port.wait
            word = make_wait(WAITS[a], index, arena.heads[b])
            if isinstance(word, Call):
                calls[number] = word, 0
            else:
                result = _wait_gave(arena, word)
        elif kind == CONSUME:
            result = _consume(stream, arena, port, b, a or None)
        elif kind == FEED:
            port.feed(a, bytes([number + 1]) * (b + 1))
        elif kind == DRAIN:
            result = port.drain(a, b + 1)
        elif kind == CLOSE:
            if a not in closed:
                closed.add(a)
                port.close(a)
        elif kind == STORE:
            _store(arena, port, a, arena.abi.word_struct.pack(arena.values[b]))
        elif kind == POKE:
            _store(arena, port, a, bytes([c]), b)
        elif kind == FILL:
            port.feed(a, bytes(FILL_BYTES))
        elif kind == EMPTY:
            port.drain(a, DRAIN_BYTES)
        if to is not None and result != to.gave[number] and number not in calls:
            raise Differs
        gave.append(result)
        port.settled()
        for waiting, (call, _) in calls.items():
            if call.returned:
                until.setdefault(waiting, number)
    port.step = None
    for number, (call, first) in calls.items():
        word = port.join(call)
        is_exec = steps[number].kind == EXEC
        gave[number] = _exec_gave(arena, word, first, final) if is_exec else _wait_gave(arena, word)
    quiet = 2 if NULL_WORD in gave else 1
    ends = tuple(_end(stream, arena, port, head, quiet) for head in range(len(RINGS)))
    seen = tuple((number, until.get(number, len(steps))) for number in calls)
    return Outcome(tuple(gave), ends, port.get(0, arena.size_bytes), seen)


def _exec_gave(arena: Arena, word: int, first: int, final: bool) -> object:
    if not word:
        return NULL_WORD
    if is_error(arena.abi, word):
        return ERROR
    is_atom = arena.base <= word < arena.base + arena.size_bytes
    return SUBMITTED if word == first or (final and is_atom) else word


def _wait_gave(arena: Arena, word: int) -> object:
    return ERROR if is_error(arena.abi, word) else word


def _user_index(arena: Arena, port: Port, head: int) -> int:
    word = port.get(arena.user_indexes[head], arena.abi.word_bytes)
    return int.from_bytes(word, arena.abi.byteorder)


def _store(arena: Arena, port: Port, place: int, data: bytes, more: int = 0) -> None:
    """Store at a place, as far as that lies in the arena."""
    offset = arena.addresses[place] - arena.base + more
    if PLACES[place].number >= 0 <= offset and offset + len(data) <= arena.size_bytes:
        port.put(offset, data)


def _consume(
    stream: Stream, arena: Arena, port: Port, head: int, count: int | None
) -> tuple[int, ...]:
    """Take entries, as a program does; none where the index is not one of the ring."""
    slots, word, order = stream.slots[head], arena.abi.word_bytes, arena.abi.byteorder
    index, taken = _user_index(arena, port, head), list[int]()
    while index < slots and (count is None or len(taken) < count):
        at = arena.rings[head] + index * word
        entry = int.from_bytes(port.get(at, word), order)
        if not entry:
            break
        port.put(at, bytes(word))
        index = (index + 1) % slots
        port.put(arena.user_indexes[head], index.to_bytes(word, order))
        taken.append(entry)
    return tuple(taken)


def _end(
    stream: Stream, arena: Arena, port: Port, head: int, quiet: int
) -> tuple[int, tuple[int, ...]]:
    """Nothing is pending when this returns: what was still reported, and what was left.

    It is asked until nothing was reported `quiet` times: what found no place while one wait was
    under way, it may leave to the next.
    """
    reported = 0
    while reported < MOST_REPORTS and quiet:
        word = port.wait(WAITS[-1], 0, arena.heads[head])
        if _wait_gave(arena, port.join(word) if isinstance(word, Call) else word) == ERROR:
            reported += 1
        else:
            quiet -= 1
    return reported, _consume(stream, arena, port, head, None)
