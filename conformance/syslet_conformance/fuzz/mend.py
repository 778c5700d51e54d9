"""Streams as they would be judged: what leaves most of them unjudged is put right.

A stream is not judged where it has no end, or makes a call that may do harm. Drawn at random,
four of ten do; each is time that finds nothing. What is put right are the numbers that lead to
that, not the faults: what lies outside of memory stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from syslet_conformance.fuzz.arena import (
    GETPID,
    LSEEK,
    NO_HEAD,
    NUMBERS,
    OF_BAD,
    OF_EDGES,
    OF_ENDS,
    OF_NUMBERS,
    OF_POINTERS,
    READ,
    ROW,
    UMEM_ADD,
    WRITE,
)
from syslet_conformance.fuzz.graph import STOP_BITS, closing
from syslet_conformance.fuzz.play import uses_pipes
from syslet_conformance.fuzz.rules import goes_round_beside
from syslet_conformance.fuzz.stream import (
    CLOSE,
    DRAIN,
    EMPTY,
    EXEC,
    POKE,
    STORE,
    Drawn,
    Step,
    Stream,
)
from syslet_layouts import Flag

_COUNTS = frozenset(map(NUMBERS.index, (0, 1, 2, 3, 4, 8, 16, 64)))
"""Numbers that can be a count of bytes."""

_ONE = NUMBERS.index(1)
_FAULTS = frozenset(OF_EDGES)
_FDS = frozenset((*OF_ENDS, OF_BAD)) | _FAULTS
_BUFFERS = frozenset(OF_POINTERS) | _FAULTS
_ASYNC = int(Flag.ASYNC)
_SKIP = int(Flag.SKIP_TO_NEXT_ON_STOP)
_BESIDE = frozenset((STORE, POKE, DRAIN, EMPTY, CLOSE))
"""Steps that may keep a loop from its end."""

HEADLESS = 0.3
"""How many of the streams keep execs without a head."""

KEPT = 0.3
"""How many of the loops with a stop flag stay as they are, though they may have no end."""

ROUNDS = 20
"""A loop that is made to end does so within so many rounds."""

_HUGE = {"max": 1 << 62, "min": -1 << 62}


class Mender:
    """Mends streams, each by the state of `random`."""

    def __init__(self, random: Random) -> None:
        self._random = random.random

    def mended(self, stream: Stream) -> Stream:
        """The stream, with a transfer that can be, atoms where it goes, and an end."""
        here = {atom.at for atom in stream.atoms}
        if not here:
            return stream
        counts = self._counts(stream)
        numbers = stream.numbers
        if not counts:
            numbers, counts = (_ONE, *numbers[1:]), [OF_NUMBERS[0]]
        atoms = tuple([self._goes_on(self._calls(atom, counts), here) for atom in stream.atoms])
        steps = self._execs(stream, here | _FAULTS)
        without = {step.a for step in steps if step.kind == EXEC and step.b == NO_HEAD}
        if without:
            atoms = tuple([_idle(atom) if atom.at in without else atom for atom in atoms])
        back = {atom.at for atom in closing(atoms)}
        if back:
            held = stream._replace(numbers=numbers)
            atoms = tuple([self._stops(a, held) if a.at in back else a for a in atoms])
        made = Stream(stream.slots, numbers, stream.pointers, atoms, steps)
        at_once = uses_pipes(made) or any(atom.flags & _ASYNC for atom in atoms)
        return _alone(made) if at_once and goes_round_beside(made) else made

    def _execs(self, stream: Stream, goes: set[int]) -> tuple[Step, ...]:
        """The steps, with execs that start where there is something, and most with a head."""
        steps, first = stream.steps, stream.atoms[0].at
        keeps = self._random() < HEADLESS
        for number, step in enumerate(steps):
            if step.kind != EXEC or (step.a in goes and (keeps or step.b != NO_HEAD)):
                continue
            a, b = step.a if step.a in goes else first, step.b if keeps else step.b % NO_HEAD
            steps = (*steps[:number], Step(EXEC, a, b), *steps[number + 1 :])
        return steps

    def _counts(self, stream: Stream) -> list[int]:
        numbered = zip(OF_NUMBERS, stream.numbers, strict=True)
        return [place for place, number in numbered if number in _COUNTS]

    def _of(self, table: Sequence[int]) -> int:
        return table[int(self._random() * len(table))]

    def _calls(self, atom: Drawn, counts: list[int]) -> Drawn:
        """A call that is harmless: a descriptor of the pipes, a buffer, and bytes in it."""
        call, args = atom.call, atom.args
        if call not in (READ, WRITE, LSEEK):
            return atom
        fd, buffer, count = (*args, 0, 0, 0)[:3]
        if fd not in _FDS:
            fd = OF_ENDS[2 * int(self._random() < 0.25) + (call == WRITE)]
        if call != LSEEK:
            if buffer not in _BUFFERS:
                buffer = self._of(OF_POINTERS)
            if count not in counts and count not in _FAULTS:
                count = self._of(counts)
        return atom._replace(args=(fd, buffer, count, *args[3:]))

    def _goes_on(self, atom: Drawn, here: set[int]) -> Drawn:
        """An atom that leads to atoms: by next, and by a skip."""
        if atom.next and atom.next not in here and atom.next not in _FAULTS:
            return atom._replace(next=self._of(sorted(here)))
        if atom.flags & _SKIP and atom.at + 1 not in here and atom.at != ROW[-1]:
            return atom._replace(flags=atom.flags & ~_SKIP)
        return atom

    def _stops(self, atom: Drawn, stream: Stream) -> Drawn:
        """An atom that ends its loop: it counts, and stops at one of its counts."""
        pointed = zip(OF_POINTERS, stream.pointers, strict=True)
        counters = [pair for pair in pointed if pair[1] in OF_NUMBERS]
        if not counters or (atom.flags & STOP_BITS and self._random() < KEPT):
            return atom
        pointer, number = counters[int(self._random() * len(counters))]
        more = self._of(OF_NUMBERS)
        start, step = (_value(stream, place) for place in (number, more))
        stops = _stops_within(start, step)
        flags = atom.flags & ~STOP_BITS | self._of(stops)
        return atom._replace(flags=flags, call=UMEM_ADD, args=(pointer, more))


def _stops_within(start: int, step: int) -> list[int]:
    """The stop flags that end a loop within `ROUNDS`, in which a number grows so each round."""
    counts = range(start + step, start + ROUNDS * step, step) if step else (start,)
    least, most = min(counts), max(counts)
    found = [int(Flag.STOP_ON_NEGATIVE)] if least < 0 else []
    if least <= 0:
        found.append(int(Flag.STOP_ON_NON_POSITIVE))
    if 0 in counts:
        found.append(int(Flag.STOP_ON_ZERO))
    if least or most:
        found.append(int(Flag.STOP_ON_NONZERO))
    return found


def _value(stream: Stream, place: int) -> int:
    value = NUMBERS[stream.numbers[place - OF_NUMBERS.start]]
    return value if isinstance(value, int) else _HUGE[value]


def _idle(atom: Drawn) -> Drawn:
    """An atom there that does nothing but go asynchronous: all that a head's lack is seen by."""
    return Drawn(atom.at, _ASYNC, GETPID, 0, 0, ())


def _alone(stream: Stream) -> Stream:
    """One syslet of it, with nothing stored beside it, and nothing taken from it."""
    steps, has_exec = [], False
    for step in stream.steps:
        if step.kind in _BESIDE or (step.kind == EXEC and has_exec):
            continue
        has_exec |= step.kind == EXEC
        steps.append(step)
    return stream._replace(steps=tuple(steps))
