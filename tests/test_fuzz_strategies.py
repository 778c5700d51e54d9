"""The strategies for streams: all of them are streams, and they shrink to the plainest."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from syslet_conformance.fuzz.arena import ATOMS, CODE, NUMBER_WORDS, POINTER_WORDS
from syslet_conformance.fuzz.generate import THEMES, Generator
from syslet_conformance.fuzz.shrink import shrunk
from syslet_conformance.fuzz.strategies import atoms, programs, steps, streams
from syslet_conformance.fuzz.stream import (
    MOST_STEPS,
    MOST_STREAM_BYTES,
    WAIT,
    Drawn,
    Step,
    Stream,
    of_bytes,
    to_bytes,
)
from syslet_conformance.text import format_program, parse
from syslet_layouts import ABIS, ARGUMENTS

QUIETLY = settings(database=None, deadline=None, max_examples=2000)
PLAINEST = Stream((1, 1), (0,) * NUMBER_WORDS, (0,) * POINTER_WORDS, (), ())
PLAINEST_ATOM = Drawn(CODE.start, 0, 0, 0, 0, ())


@settings(database=None, deadline=None, max_examples=50)
@given(streams())
def test_every_stream_comes_back_from_its_bytes(stream: Stream) -> None:
    data = to_bytes(stream)
    assert len(data) <= MOST_STREAM_BYTES
    assert of_bytes(data) == stream


@settings(database=None, deadline=None, max_examples=50)
@given(streams(most_atoms=2, most_steps=3))
def test_a_stream_has_at_most_the_atoms_and_steps_that_are_asked_for(stream: Stream) -> None:
    assert len(stream.atoms) <= 2
    assert len(stream.steps) <= 3


@settings(database=None, deadline=None, max_examples=50)
@given(data=st.data())
@pytest.mark.parametrize("abi", ABIS)
def test_every_program_comes_back_from_its_text(data: st.DataObject, abi: str) -> None:
    program = data.draw(programs(ABIS[abi]))
    assert parse(format_program(program)) == program


def test_the_plainest_stream_has_nothing_in_it() -> None:
    assert find(streams(), lambda _: True, settings=QUIETLY) == PLAINEST
    assert find(atoms(), lambda _: True, settings=QUIETLY) == PLAINEST_ATOM
    assert find(steps(), lambda _: True, settings=QUIETLY) == Step(0)


def test_what_is_asked_for_is_all_that_is_left_of_a_stream() -> None:
    found = find(streams(), lambda stream: bool(stream.atoms), settings=QUIETLY)
    assert found == PLAINEST._replace(atoms=(PLAINEST_ATOM,))
    found = find(streams(), lambda s: any(x.kind == WAIT for x in s.steps), settings=QUIETLY)
    assert found == PLAINEST._replace(steps=(Step(WAIT),))


@pytest.mark.parametrize("theme", range(len(THEMES)), ids=THEMES)
def test_what_somebody_else_drew_is_shrunk_to_the_plainest(theme: int) -> None:
    assert shrunk(Generator(Random(theme)).draw(theme), lambda _: True) == PLAINEST


def test_a_stream_with_as_much_as_there_can_be_is_shrunk_too() -> None:
    row = tuple(PLAINEST_ATOM._replace(at=at, args=(1,) * ARGUMENTS) for at in CODE[:ATOMS])
    full = PLAINEST._replace(slots=(4, 4), atoms=row, steps=(Step(WAIT),) * MOST_STEPS)
    assert shrunk(full, lambda _: True) == PLAINEST
