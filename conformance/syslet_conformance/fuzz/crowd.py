"""Streams in which several syslets of one head wait for pipes, and callers for their events."""

from __future__ import annotations

from random import Random

from syslet_conformance.fuzz.arena import (
    GETPID,
    NUMBERS,
    OF_ENDS,
    OF_NUMBERS,
    OF_POINTERS,
    OF_SCRATCH,
    READ,
    ROW,
)
from syslet_conformance.fuzz.stream import (
    CONSUME,
    EXEC,
    FEED,
    MOST_STEPS,
    WAIT,
    WAITS,
    Drawn,
    Step,
    Stream,
)
from syslet_layouts import Flag

_ONE = NUMBERS.index(1)
_FEW = tuple(map(WAITS.index, (1, 1, 2, 2, 3)))


def crowd(random: Random) -> Stream:
    """A stream of single atoms, most of which read a byte; its steps bring them some."""
    chance = random.random
    count = 1 + int(chance() * 3)
    atoms = tuple([_atom(random, place) for place in ROW[:count]])
    steps = [Step(EXEC, ROW[int(chance() * count)])]
    for _ in range(2 + int(chance() * 4)):
        roll = chance()
        if roll < 0.5:
            steps.append(Step(EXEC, ROW[int(chance() * count)], int(chance() < 0.05)))
        elif roll < 0.7:
            steps.append(Step(FEED, int(chance() < 0.3), int(chance() * 3)))
        elif roll < 0.9:
            index = 1 + int(chance() * 2) if chance() < 0.3 else 0
            steps.append(Step(WAIT, _FEW[int(chance() * len(_FEW))], 0, index))
        else:
            steps.append(Step(CONSUME, int(chance() * 3)))
    numbers = (_ONE,) * len(OF_NUMBERS)
    pointers = tuple(OF_SCRATCH[: len(OF_POINTERS)])
    slots = (1 + int(chance() * 4), 1)
    return Stream(slots, numbers, pointers, atoms, tuple(steps[:MOST_STEPS]))


def _atom(random: Random, place: int) -> Drawn:
    chance = random.random
    flags = int(Flag.ASYNC) if chance() < 0.3 else 0
    if chance() < 0.2:
        return Drawn(place, int(Flag.ASYNC), GETPID, 0, 0, ())
    end = OF_ENDS[2 * int(chance() < 0.3)]
    buffer = OF_POINTERS[int(chance() * len(OF_POINTERS))]
    return Drawn(place, flags, READ, 0, 0, (end, buffer, OF_NUMBERS[0]))
