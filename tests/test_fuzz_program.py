"""A stream as a program: the same bytes, and the same steps with the same results."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.contract import is_error
from syslet_conformance.fuzz.arena import Arena
from syslet_conformance.fuzz.generate import THEMES, Generator
from syslet_conformance.fuzz.ground import asked
from syslet_conformance.fuzz.harmless import Unjudged
from syslet_conformance.fuzz.oracle import Oracle
from syslet_conformance.fuzz.play import ERROR, NULL_WORD, SUBMITTED, Outcome, uses_pipes
from syslet_conformance.fuzz.program_of import program_of, stored_steps
from syslet_conformance.fuzz.steps_of import steps_of
from syslet_conformance.fuzz.stream import EMPTY, Stream, image
from syslet_conformance.fuzz.subject import Subject
from syslet_conformance.program import Exec, Join, Wait
from syslet_conformance.replay import Replay
from syslet_conformance.session import Session
from syslet_conformance.text import format_program, parse
from syslet_layouts import ABIS, Abi

LOADED, PLAYED = 60, 30
"""How many streams of a theme are loaded, and played."""

MOST_TEXT_BYTES = 8192

each_abi = pytest.mark.parametrize("abi", ABIS.values(), ids=ABIS)
each_theme = pytest.mark.parametrize("theme", range(len(THEMES)), ids=THEMES)


def _streams(theme: int, count: int) -> list[Stream]:
    generator = Generator(Random(f"program {theme}"))
    return [generator.draw(theme) for _ in range(count)]


def _fds(session: Session) -> tuple[int, ...]:
    return (*session.pipes["a"], *session.pipes["b"])


@each_abi
@each_theme
def test_a_loaded_program_has_the_bytes_of_its_stream(theme: int, abi: Abi) -> None:
    engine = EmbeddedEngine(abi)
    numbers = asked(engine).numbers
    for stream in _streams(theme, LOADED):
        program = program_of(stream, abi)
        session = Session(engine, program)
        for step in program.steps[: stored_steps(stream, abi)]:
            session.perform(step)
        arena = Arena(abi, session.bases[0], numbers)
        held = engine.read(session.bases[0], arena.size_bytes)
        assert held == image(stream, arena, _fds(session)), stream
        session.close()
    engine.close()


@each_abi
@each_theme
def test_the_text_of_a_program_is_short_and_leads_back_to_it(theme: int, abi: Abi) -> None:
    for stream in _streams(theme, LOADED // 5):
        program = program_of(stream, abi, late=frozenset({0, 2}), reported=(1, 0))
        text = format_program(program)
        assert len(text) < MOST_TEXT_BYTES
        assert parse(text) == program
        assert format_program(parse(text)) == text


def _replayed(abi: Abi, stream: Stream, outcome: Outcome, late: frozenset[int]) -> None:
    """The program, played on the reference, comes to what the stream comes to there."""
    reported = (outcome.ends[0][0], outcome.ends[1][0])
    program = program_of(stream, abi, late=late, reported=reported)
    text = format_program(program)
    loaded = Session(EmbeddedEngine(abi), parse(text))
    loaded.performed = list(program.steps)
    replay = Replay(loaded, {})
    replay.run()
    ground = asked(loaded.engine)
    arena = Arena(abi, replay.session.bases[0], ground.numbers)
    expected, expected_late = Oracle(arena, ground).expected(stream, _fds(replay.session))
    assert expected_late == late
    assert [took.error for took in replay.took] == [""] * len(program.steps), text
    gave = [took.gave for took in replay.took]
    del gave[: stored_steps(stream, abi)]
    _compare(arena, stream, expected, late, gave, program.steps[stored_steps(stream, abi) :])
    data = replay.session.engine.read(arena.base, arena.size_bytes)
    assert data == expected.memory, text
    replay.close()
    loaded.engine.close()


def _word(arena: Arena, step: Exec | Wait, word: object, first: int) -> object:
    assert isinstance(word, int)
    if is_error(arena.abi, word):
        return ERROR
    if isinstance(step, Wait):
        return word
    return NULL_WORD if not word else SUBMITTED if word == first else word


def _compare(
    arena: Arena,
    stream: Stream,
    expected: Outcome,
    late: frozenset[int],
    gave: list[object],
    steps: tuple[object, ...],
) -> None:
    joined: Iterator[object] = iter(())
    for step, words in zip(steps, gave, strict=True):
        if isinstance(step, Join):
            assert isinstance(words, list)
            joined = iter(words)
    at = 0
    taken = steps_of(stream, arena.abi, late)
    for number, step in enumerate(taken):
        wanted = expected.gave[number]
        if step is None:
            assert wanted in (None, b"")
            continue
        given = gave[at]
        at += 1
        if isinstance(step, Exec | Wait):
            first = arena.addresses[stream.steps[number].a]
            given = _word(arena, step, next(joined) if number in late else given, first)
        elif isinstance(given, list):
            given = tuple(given)
        elif number < len(stream.steps) and stream.steps[number].kind == EMPTY:
            given = None
        assert given == wanted, (number, step)
    at += bool(late)
    for errors, entries in expected.ends:
        *told, last = gave[at : at + errors + 1]
        assert all(isinstance(word, int) and word for word in told)
        assert not last
        assert gave[at + errors + 1] == list(entries)
        at += errors + 2
    assert at == len(gave)


@each_abi
@each_theme
def test_a_program_does_what_its_stream_does(theme: int, abi: Abi) -> None:
    subject = Subject(EmbeddedEngine(abi))
    oracle, judged = Oracle(subject.arena, subject.ground), 0
    for stream in _streams(theme, PLAYED):
        try:
            outcome, late = oracle.expected(stream, subject.fds(used=uses_pipes(stream)))
        except Unjudged:
            continue
        judged += 1
        _replayed(abi, stream, outcome, late)
    assert judged > PLAYED // 8


def test_nothing_is_consumed_where_the_index_is_none_of_the_ring() -> None:
    text = "ring r 1\nword behind = 5\nhead h ring=r user_ring_idx=1\n"
    session = Session(EmbeddedEngine(ABIS["lp64-le"]), parse(text))
    assert session.consume(head="h") == []
    assert session.word("behind") == 5
