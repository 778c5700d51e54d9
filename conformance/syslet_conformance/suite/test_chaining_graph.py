"""Area chaining: atoms form any graph, of any length."""

from __future__ import annotations

from functools import partial

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import Address, Buffer
from syslet_conformance.registry import checks
from syslet_conformance.rig import Ran, Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
)
from syslet_layouts import Flag

# -- any graph --------------------------------------------------------------------------


@checks("chain.any-graph", "chain.first-atom-only")
@pytest.mark.both_modes
def test_two_syslets_share_their_tail(rig: Rig) -> None:
    build = Build()
    one, other, shared = (build.word(label=label) for label in ("one", "other", "shared"))
    flags = rig.start_flags
    first = build.add(one, flags=flags, next=Address("tail"), label="first")
    build.add(shared, next=Address("end"), label="tail")
    second = build.add(other, flags=flags, next=Address("tail"), label="second")
    end = build.add(shared, 10, label="end")
    session = rig.load(build)
    turns = (first, 1, 0), (second, 1, 1), (first, 2, 1)
    for turn, (start, ones, others) in enumerate(turns, 1):
        ran = rig.finish(session, start)
        assert_words(session, one=ones, other=others, shared=11 * turn)
        rig.assert_ended_at(session, ran, end)


@checks("chain.any-graph")
@pytest.mark.both_modes
def test_syslets_that_were_blocked_at_once_run_their_shared_tail_each(rig: Rig) -> None:
    build = Build(4)
    shared, pipes = build.word(label="shared"), [build.pipe() for _ in range(3)]
    flags = rig.start_flags
    starts = [build.read(pipe, flags=flags, next=Address("tail")) for pipe in pipes]
    tail = build.add(shared, label="tail")
    session = rig.load(build)
    block(rig, session, *starts)
    for count, pipe in enumerate(reversed(pipes), 1):
        session.feed(pipe, b"x")
        assert_succeeded(rig, session.wait(count))
        assert_words(session, shared=count)
    assert_slots(session, tail, tail, tail, 0)


@checks("chain.any-graph")
@pytest.mark.both_modes
@pytest.mark.parametrize(("choice", "left", "right"), [(1, 1, 0), (0, 0, 1)], ids=["left", "right"])
def test_two_branches_meet_again(rig: Rig, choice: int, left: int, right: int) -> None:
    build = Build()
    for label in ("left", "right", "joined"):
        build.word(label=label)
    flags = Flag.STOP_ON_ZERO | Flag.SKIP_TO_NEXT_ON_STOP
    first = build.result(choice, flags=flags, next=Address("left_atom"))
    build.add(Address("right"), next=Address("join"), label="right_atom")
    build.add(Address("left"), next=Address("join"), label="left_atom")
    build.add(Address("joined"), 100)
    join = build.add(Address("joined"), label="join")
    session, ran = rig.run(build, first)
    assert_words(session, left=left, right=right, joined=1)
    rig.assert_ended_at(session, ran, join)


@checks("chain.any-graph")
@pytest.mark.both_modes
@pytest.mark.parametrize(
    ("start", "inc", "flag", "end"),
    [
        (-1, 1, Flag.STOP_ON_ZERO, 0),
        (-7, 1, Flag.STOP_ON_ZERO, 0),
        (2, -1, Flag.STOP_ON_NEGATIVE, -1),
        (3, -2, Flag.STOP_ON_NON_POSITIVE, -1),
    ],
    ids=["1-turn", "7-turns", "until-negative", "until-non_positive"],
)
def test_an_atom_that_is_its_own_next_turns_until_it_stops(
    rig: Rig, start: int, inc: int, flag: Flag, end: int
) -> None:
    build = Build()
    count = build.word(start, label="count")
    turn = build.add(count, inc, flags=flag, next=Address("turn"), label="turn")
    session, ran = rig.run(build, turn)
    assert_words(session, count=end)
    rig.assert_ended_at(session, ran, turn)


@checks("chain.any-graph")
@pytest.mark.both_modes
@pytest.mark.parametrize("stopping", [0, 1, 3], ids=["at-the-first", "within", "at-the-last"])
def test_a_loop_ends_at_the_atom_that_stops(rig: Rig, stopping: int) -> None:
    build = Build()
    for number in range(4):
        count = build.word(-5 if number == stopping else 10, label=f"count{number}")
        following = Address(f"atom_{(number + 1) % 4}")
        build.add(count, flags=Flag.STOP_ON_ZERO, next=following, label=f"atom_{number}")
    session, ran = rig.run(build, Address("atom_0"))
    expected = {f"count{number}": 15 if number < stopping else 14 for number in range(4)}
    assert_words(session, **expected | {f"count{stopping}": 0})
    rig.assert_ended_at(session, ran, Address(f"atom_{stopping}"))


@checks("chain.any-graph")
@pytest.mark.both_modes
def test_a_loop_in_a_loop_turns_as_often_as_both_say(rig: Rig) -> None:
    build = Build()
    total, inner = build.word(label="total"), build.word(-3, label="inner")
    outer = build.word(-4, label="outer")
    flags = Flag.STOP_ON_ZERO | Flag.SKIP_TO_NEXT_ON_STOP
    first = build.add(total, next=Address("inner_turn"), label="body")
    build.add(inner, flags=flags, next=Address("body"), label="inner_turn")
    build.add(inner, -3, next=Address("outer_turn"), label="winds_up")
    last = build.add(outer, flags=Flag.STOP_ON_ZERO, next=first, label="outer_turn")
    session, ran = rig.run(build, first)
    assert_words(session, total=12, inner=-3, outer=0)
    rig.assert_ended_at(session, ran, last)


@checks("chain.any-graph")
@pytest.mark.both_modes
def test_a_loop_goes_on_turning_across_cachemisses(rig: Rig) -> None:
    build = Build()
    pipe, count = build.pipe(), build.word(-3, label="count")
    reads = build.read(pipe, next=Address("adds"), label="reads")
    adds = build.add(count, flags=Flag.STOP_ON_ZERO, next=reads, label="adds")
    session = rig.load(build, reads)
    block(rig, session, reads)
    for turns in (1, 2, 3):
        session.feed(pipe, b"x")
        rig.until(partial(_counted_or_ended, session, turns - 3), f"{turns} turns")
        assert_words(session, count=turns - 3)
    assert_succeeded(rig, session.wait(1))
    assert_words(session, count=0)
    assert_slots(session, adds, 0, 0, 0)


def _counted_or_ended(session: Session, count: int) -> bool:
    return session.word("count") == count or session.slots()[0] != 0


# -- unbounded --------------------------------------------------------------------------

ATOMS = 100_003
"""A few more than the line has to have: an engine that gives the turn away after so many atoms, or
a round part of it, has to go on where it was."""

TURNS = {"first": 1_000_000, "further": 70_000}
"""How often the loop turns: in full on the first ABI of the run, in both modes; on further ABIs
of the same engine past what 16 bits count, which is where a count of another width would show."""

LONG_S = 45.0
"""How long so many atoms may take: an engine in an interpreter is not a hung one."""


def _finish_long(rig: Rig, session: Session, first: Address) -> Ran:
    """As `Rig.finish`, with the patience of `LONG_S`."""
    word = session.start_exec(first).join(LONG_S)
    assert not rig.is_error(word), f"exec: expected an address or NULL, got {rig.errno(word)}"
    if not word:
        assert_succeeded(rig, session.start_wait(1).join(LONG_S))
    entries = session.consume()
    return Ran(word, entries[0] if entries else None)


@checks("chain.unbounded")
@pytest.mark.both_modes
def test_a_line_of_100000_atoms_runs_to_its_end(rig: Rig) -> None:
    abi = rig.abi
    build = Build()
    count = build.word(label="count")
    sample = build.add(count, label="sample")
    build.section()
    build.code.append(Buffer("line", ATOMS * abi.atom_size))
    session = rig.load(build)
    line, size, pack_word = session.address("line"), abi.atom_size, abi.word_struct.pack_into
    image = bytearray(rig.engine.read(session.address(sample), size) * ATOMS)
    for at in range(0, (ATOMS - 1) * size, size):
        pack_word(image, at + abi.atom_offsets["next"], line + at + size)
    if rig.is_async:
        flags_bytes = abi.atom_places[0].size_bytes
        image[:flags_bytes] = int(Flag.ASYNC).to_bytes(flags_bytes, abi.byteorder)
    session.write("line", bytes(image))
    ran = _finish_long(rig, session, Address("line"))
    assert_words(session, count=ATOMS)
    rig.assert_ended_at(session, ran, Address("line", (ATOMS - 1) * size))


@checks("chain.unbounded")
@pytest.mark.both_modes
def test_a_long_loop_runs_to_its_end(rig: Rig) -> None:
    """1,000,000 turns on the first ABI of the run, 70,000 on further ones: see `TURNS`."""
    build = Build()
    count = build.word(-TURNS["first" if rig.is_on_first_abi else "further"], label="count")
    turn = build.add(count, flags=Flag.STOP_ON_ZERO, next=Address("turn"), label="turn")
    session = rig.load(build, turn)
    ran = _finish_long(rig, session, turn)
    assert_words(session, count=0)
    rig.assert_ended_at(session, ran, turn)
