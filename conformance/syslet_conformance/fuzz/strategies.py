"""Hypothesis strategies for streams and their programs, for tests of any engine.

What is drawn shrinks to the plainest: no atom, no step, index 0 of each table. That a stream is
harmless on a real engine, and ends, is what `judge.Judge` finds out before it plays one; what is
drawn here need not.
"""

from __future__ import annotations

from hypothesis import strategies as st

from syslet_conformance.fuzz.arena import (
    ATOMS,
    CALLS,
    CODE,
    NUMBER_WORDS,
    NUMBERS,
    PLACES,
    POINTER_WORDS,
    SLOTS,
)
from syslet_conformance.fuzz.program_of import program_of
from syslet_conformance.fuzz.stream import KINDS, LIMITS, MOST_STEPS, Drawn, Step, Stream
from syslet_conformance.program import Program
from syslet_layouts import ARGUMENTS, Abi

__all__ = ["atoms", "programs", "steps", "streams"]


def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@st.composite
def atoms(draw: st.DrawFn) -> Drawn:
    """Atoms; the plainest is ``umem_add`` without arguments or flags at ``a0``."""
    at = CODE[draw(_below(len(CODE)))]
    flags, call = draw(_below(256)), draw(_below(len(CALLS)))
    ret, following = draw(_below(len(PLACES))), draw(_below(len(PLACES)))
    args = draw(st.lists(_below(len(PLACES)), max_size=ARGUMENTS))
    private, at_large = draw(_below(len(NUMBERS))), draw(_below(2))
    return Drawn(at, flags, call, ret, following, tuple(args), private, at_large)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Steps; the plainest is an exec of NULL on ``h0``."""
    kind = draw(_below(len(KINDS)))
    a, b, c = (draw(_below(limit)) for limit in LIMITS[kind])
    return Step(kind, a, b, c)


@st.composite
def streams(draw: st.DrawFn, most_atoms: int = ATOMS, most_steps: int = MOST_STEPS) -> Stream:
    """Streams, each with up to so many atoms and steps. They shrink to the plainest choices."""
    slots = (draw(_below(SLOTS)) + 1, draw(_below(SLOTS)) + 1)
    numbers = tuple(draw(_below(len(NUMBERS))) for _ in range(NUMBER_WORDS))
    pointers = tuple(draw(_below(len(PLACES))) for _ in range(POINTER_WORDS))
    of_atoms = {atom.at: atom for atom in draw(st.lists(atoms(), max_size=most_atoms))}
    in_order = tuple(of_atoms[at] for at in sorted(of_atoms))
    of_steps = draw(st.lists(steps(), max_size=most_steps))
    return Stream(slots, numbers, pointers, in_order, tuple(of_steps))


def programs(
    abi: Abi, most_atoms: int = ATOMS, most_steps: int = MOST_STEPS
) -> st.SearchStrategy[Program]:
    """The programs of such streams on an ABI. None of their calls is started: some may block."""
    return streams(most_atoms, most_steps).map(lambda stream: program_of(stream, abi))
