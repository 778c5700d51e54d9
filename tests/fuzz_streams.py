"""Streams that tests of the hunt share, and who judges them."""

from __future__ import annotations

from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.fuzz.arena import (
    CODE,
    GETPID,
    NOWHERE,
    NUMBERS,
    OF_ENDS,
    OF_NUMBERS,
    OF_POINTERS,
    OF_SCRATCH,
    PLACES,
    READ,
    UMEM_ADD,
    WRITE,
    Place,
)
from syslet_conformance.fuzz.judge import Judge
from syslet_conformance.fuzz.stream import (
    EXEC,
    FEED,
    WAIT,
    WAITS,
    Drawn,
    Step,
    Stream,
)
from syslet_layouts import Abi, Flag

A0, A1 = CODE[0], CODE[1]
ZERO, ONE, TWO = (NUMBERS.index(number) for number in (0, 1, 2))
OF_NOWHERE = PLACES.index(Place("", number=NOWHERE))

PLAIN = Stream((2, 2), (ONE,) * 6, (OF_SCRATCH[0],) * 4, (), ())
"""No atoms and no steps; every number is 1, every pointer is &s."""

READS = Drawn(A0, 0, READ, 0, 0, (OF_ENDS[0], OF_POINTERS[0], OF_NUMBERS[0]))
"""A byte of pipe a, into s."""

PID = Drawn(A1, int(Flag.ASYNC), GETPID, 0, 0, ())
"""It goes asynchronous, and stores nothing."""

EXEC_READ, FEED_ONE = Step(EXEC, A0), Step(FEED, 0, 0)
WAIT_ONE, WAIT_TWO = (Step(WAIT, WAITS.index(events)) for events in (1, 2))


_FOUR, _WIDE, _MINUS_ONE = (NUMBERS.index(number) for number in (4, 64, -1))

READS_0_OR_NOBODY = PLAIN._replace(
    numbers=(_FOUR, _MINUS_ONE, ONE, ONE, ONE, ONE),
    pointers=(OF_SCRATCH[0], OF_NUMBERS[1], OF_SCRATCH[0], OF_SCRATCH[0]),
    atoms=(
        Drawn(A0, 0, READ, 0, 0, (OF_ENDS[0], OF_POINTERS[1], OF_NUMBERS[0])),
        Drawn(A1, 0, WRITE, 0, CODE[2], (OF_ENDS[1], OF_POINTERS[0], OF_NUMBERS[0])),
        Drawn(CODE[2], 0, READ, 0, 0, (OF_NUMBERS[1], OF_POINTERS[0], OF_NUMBERS[0])),
    ),
    steps=(EXEC_READ, Step(EXEC, A1)),
)
"""With words of 32 bits, the last atom reads descriptor -1, or, where the first is let go before
that, 0."""

READS_DESCRIPTOR_0 = PLAIN._replace(
    numbers=(ONE, _WIDE, ONE, ONE, ONE, ONE),
    pointers=(OF_SCRATCH[0], OF_NUMBERS[5], OF_SCRATCH[0], OF_SCRATCH[0]),
    atoms=(
        Drawn(A0, 0, READ, 0, 0, (OF_ENDS[0], OF_POINTERS[1], OF_NUMBERS[1])),
        Drawn(A1, 0, WRITE, 0, CODE[2], (OF_ENDS[1], OF_POINTERS[0], OF_NUMBERS[1])),
        Drawn(CODE[2], 0, READ, 0, 0, (OF_ENDS[0], OF_POINTERS[0], OF_NUMBERS[1])),
    ),
    steps=(EXEC_READ, Step(EXEC, A1)),
)
"""The first reads 64 zeroes over the descriptors, if it is let go before the last atom runs, which
then reads descriptor 0."""


def judge_of(abi: Abi, engine: type[EmbeddedEngine] = EmbeddedEngine) -> Judge:
    """A judge beside an engine of that kind."""
    return Judge(engine(abi))


def adds(at: int, *, flags: int = 0, next: int = 0) -> Drawn:
    """umem_add(&s, 1), the result into s[1]."""
    return Drawn(at, flags, UMEM_ADD, OF_SCRATCH[1], next, (OF_POINTERS[0], OF_NUMBERS[0]))
