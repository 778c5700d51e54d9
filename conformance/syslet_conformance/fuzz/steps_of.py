"""The steps of a stream as those of a program in which its places have the labels of the arena.

What a step of a stream leaves undone is no step of a program: a second close, a feed into a pipe
that is full or has an end closed, a store that reaches out of the arena.
"""

from __future__ import annotations

from syslet_conformance.fuzz.arena import (
    ARENA_BYTES,
    ATOMS,
    ENDS,
    HEADS,
    NO_HEAD,
    PIPES,
    PLACES,
    labels,
    number_at,
    offset_in,
)
from syslet_conformance.fuzz.play import closing, index_named
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
    Stream,
)
from syslet_conformance.fuzz.stream import Step as Taken
from syslet_conformance.program import (
    Address,
    Close,
    Consume,
    Drain,
    Exec,
    Feed,
    Poke,
    Step,
    Store,
    Value,
    Wait,
)
from syslet_layouts import Abi, packed_size


def pointer(abi: Abi, number: int) -> Value:
    """The place of `PLACES` with that number, by a label or as the address that it is."""
    place = PLACES[number]
    if place.field == "packed":
        return Address(f"a{ATOMS - 1}", abi.atom_size - packed_size(abi, place.number))
    if not place.label:
        return place.number & abi.word_mask
    return Address(place.label, offset_in(abi, place))


def steps_of(stream: Stream, abi: Abi, late: frozenset[int]) -> list[Step | None]:
    """For each step of the stream, and of `closing`, that of a program; None for one left undone.

    Those whose numbers are in `late` are started.
    """
    pipes = _Pipes()
    taken = [*stream.steps, *closing(stream)]
    return [
        _step(abi, step, number, stream.slots, number in late, pipes)
        for number, step in enumerate(taken)
    ]


class _Pipes:
    """Which ends are closed, and which pipes have been filled and not been emptied since."""

    def __init__(self) -> None:
        self.closed: set[int] = set()
        self.full: set[int] = set()

    def step(self, number: int, step: Taken) -> Step | None:
        """The step of a program that a step with a pipe is."""
        kind, a, b, _ = step
        if kind == CLOSE:
            was_open = a not in self.closed
            self.closed.add(a)
            return Close(ENDS[a]) if was_open else None
        pipe = PIPES[a]
        if kind in (DRAIN, EMPTY):
            if kind == EMPTY:
                self.full.discard(a)
            count = DRAIN_BYTES if kind == EMPTY else b + 1
            return None if 2 * a in self.closed else Drain(pipe, count)
        if a in self.full or not self.closed.isdisjoint((2 * a, 2 * a + 1)):
            return None
        if kind == FILL:
            self.full.add(a)
            return Feed(pipe, bytes(FILL_BYTES))
        assert kind == FEED
        return Feed(pipe, bytes([number + 1]) * (b + 1))


def _step(
    abi: Abi, step: Taken, number: int, slots: tuple[int, ...], started: bool, pipes: _Pipes
) -> Step | None:
    kind, a, b, c = step
    if kind == EXEC:
        return Exec(pointer(abi, a), _head(abi, b), started)
    if kind == WAIT:
        return Wait(WAITS[a], _head(abi, b), index_named(c, slots[b]), started=started)
    if kind == CONSUME:
        return Consume(HEADS[b], a or None)
    if kind == STORE:
        values = (number_at(abi, b),)
        return Store(pointer(abi, a), values) if _fits(abi, a, 0, abi.word_bytes) else None
    if kind == POKE:
        return Poke(_behind(pointer(abi, a), b), bytes([c])) if _fits(abi, a, b, 1) else None
    return pipes.step(number, step)


def _head(abi: Abi, number: int) -> Address:
    """A head by its label; one that is not there is behind the last atom, where the arena ends."""
    return Address(f"a{ATOMS - 1}", abi.atom_size) if number == NO_HEAD else Address(HEADS[number])


def _fits(abi: Abi, place: int, more: int, size_bytes: int) -> bool:
    """Whether so many bytes, that far behind a place, lie in the arena."""
    address = pointer(abi, place)
    if not isinstance(address, Address):
        return False
    offset = labels(abi)[address.label] + address.offset + more
    return 0 <= offset <= ARENA_BYTES - size_bytes


def _behind(place: Value, more: int) -> Value:
    assert isinstance(place, Address)
    return Address(place.label, place.offset + more)
