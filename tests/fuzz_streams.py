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


def _reads_beside(count: int, over: int, last: int, second: int) -> Stream:
    """One reads so many bytes of pipe a to the place `over`; another writes as many zeroes there,
    and then reads the descriptor at the place `last`. The number of n1 is `second`.
    """
    of_count = OF_NUMBERS[0]
    return PLAIN._replace(
        numbers=(NUMBERS.index(count), NUMBERS.index(second), ONE, ONE, ONE, ONE),
        pointers=(OF_SCRATCH[0], over, OF_SCRATCH[0], OF_SCRATCH[0]),
        atoms=(
            Drawn(A0, 0, READ, 0, 0, (OF_ENDS[0], OF_POINTERS[1], of_count)),
            Drawn(A1, 0, WRITE, 0, CODE[2], (OF_ENDS[1], OF_POINTERS[0], of_count)),
            Drawn(CODE[2], 0, READ, 0, 0, (last, OF_POINTERS[0], of_count)),
        ),
        steps=(EXEC_READ, Step(EXEC, A1)),
    )


READS_0_OR_NOBODY = _reads_beside(4, OF_NUMBERS[1], OF_NUMBERS[1], -1)
"""With words of 32 bits, the last atom reads descriptor -1, or, where the first is let go before
that, 0."""

READS_DESCRIPTOR_0 = _reads_beside(64, OF_NUMBERS[5], OF_ENDS[0], 1)
"""The first reads 64 zeroes over the descriptors, if it is let go before the last atom runs, which
then reads descriptor 0."""


def judge_of(abi: Abi, engine: type[EmbeddedEngine] = EmbeddedEngine) -> Judge:
    """A judge beside an engine of that kind."""
    return Judge(engine(abi))


def adds(at: int, *, flags: int = 0, next: int = 0) -> Drawn:
    """umem_add(&s, 1), the result into s[1]."""
    return Drawn(at, flags, UMEM_ADD, OF_SCRATCH[1], next, (OF_POINTERS[0], OF_NUMBERS[0]))
