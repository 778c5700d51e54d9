"""Area running: a syslet in which nothing blocks runs in the caller, who is given its address."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_cached,
    assert_not_null,
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
    readers,
)
from syslet_layouts import Flag


@checks("exec.cached-returns-submitted")
@pytest.mark.parametrize("length", [1, 2, 6])
def test_exec_returns_the_first_atom_of_a_chain_written_back_to_front(
    rig: Rig, length: int
) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.add(count)
    for _ in range(length - 1):
        first = build.add(count, next=first)
    session = rig.load(build)
    assert_cached(rig, session, first, session.exec(first))
    assert_words(session, count=length)


@checks("exec.cached-returns-submitted")
def test_exec_returns_the_submitted_atom_though_others_lead_to_it(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    build.add(count, 100, next=Address("submitted"), label="before")
    submitted = build.add(count, 1, next=Address("after"), label="submitted")
    build.add(count, 1, label="after")
    session = rig.load(build)
    assert_cached(rig, session, submitted, session.exec(submitted))
    assert_words(session, count=2)


@checks("exec.cached-returns-submitted")
@pytest.mark.parametrize("skip", [False, True], ids=["stopped", "skipped"])
def test_exec_returns_the_first_atom_however_the_syslet_ended(rig: Rig, skip: bool) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.add(count, next=Address("stopping"), label="first")
    flags = Flag.STOP_ON_ZERO | (Flag.SKIP_TO_NEXT_ON_STOP if skip else 0)
    build.result(0, flags=flags, label="stopping")
    build.add(count, label="last")
    session = rig.load(build)
    assert_cached(rig, session, first, session.exec(first))
    assert_words(session, count=2 if skip else 1)


@checks("exec.cached-returns-submitted")
def test_exec_returns_the_first_atom_of_a_loop(rig: Rig) -> None:
    build = Build()
    count = build.word(-5, label="count")
    first = build.result(1, next=Address("turn"), label="first")
    build.add(count, flags=Flag.STOP_ON_ZERO, next=first, label="turn")
    session = rig.load(build)
    assert_cached(rig, session, first, session.exec(first))
    assert_words(session, count=0)


@checks("exec.cached-when-nothing-can-block", "exec.one-outcome")
@pytest.mark.parametrize("call", ["getpid", "umem_add"])
@pytest.mark.parametrize("length", [1, 10])
def test_calls_that_cannot_block_run_cached_every_time(rig: Rig, call: str, length: int) -> None:
    build = Build()
    variable = build.word(label="count")
    following: Address | int = NULL
    for _ in range(length):
        if call == "getpid":
            following = build.atom("getpid", next=following)
        else:
            following = build.add(variable, next=following)
    session = rig.load(build)
    for _ in range(50):
        assert_not_null(rig, session.exec(following))
    assert_words(session, count=50 * length if call == "umem_add" else 0)
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.cached-when-nothing-can-block")
def test_calls_that_cannot_block_run_cached_while_others_are_blocked(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    cached = build.atom("getpid", next=Address("adds"))
    build.add(count, label="adds")
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    for turn in range(20):
        assert_not_null(rig, session.exec(cached))
        assert_words(session, count=turn + 1)
    assert_slots(session, 0, 0, 0, 0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, pending, 0, 0, 0)


@checks("exec.cached-when-nothing-can-block")
def test_the_atoms_may_be_gone_when_a_cached_exec_has_returned(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    build.section("stack")
    first = build.add(count, next=Address("second"), label="first")
    build.atom("getpid", label="second")
    session = rig.load(build)
    assert_not_null(rig, session.exec(first))
    assert_words(session, count=1)
    session.unmap("stack")
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, 0, 0, 0, 0)
    again = Build()
    atom = again.add(again.word(label="count"))
    other = rig.load(again)
    assert_not_null(rig, other.exec(atom))
    assert_words(other, count=1)
    assert_words(session, count=1)


@checks("exec.cached-when-nothing-blocks")
@pytest.mark.parametrize("count", [1, 4, 5], ids=["some", "all", "more-than-there-is"])
def test_a_read_with_data_waiting_runs_cached(rig: Rig, count: int) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    first = build.read(pipe, count, ret=got)
    session = rig.load(build)
    session.feed(pipe, b"data")
    assert_not_null(rig, session.exec(first))
    assert_words(session, got=min(count, 4))
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.cached-when-nothing-blocks")
def test_a_write_into_a_pipe_with_room_and_its_read_run_cached(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    first = build.write(pipe, b"data", next=Address("reads"))
    build.read(pipe, 4, into=build.buffer(4, label="into"), ret=got, label="reads")
    session = rig.load(build)
    assert_not_null(rig, session.exec(first))
    assert_words(session, got=4)
    data = rig.engine.read(session.address("into"), 4)
    assert data == b"data", f"into: expected b'data', got {data!r}"
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.cached-when-nothing-blocks")
def test_a_read_at_the_end_of_a_closed_pipe_runs_cached(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(-1, label="got")
    first = build.read(pipe, ret=got)
    session = rig.load(build)
    session.close_end(f"{pipe}.write")
    assert_not_null(rig, session.exec(first))
    assert_words(session, got=0)
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.returns-final")
def test_what_a_cached_chain_returns_is_recorded(rig: Rig) -> None:
    build = Build()
    first = build.result(1, next=Address("middle"), label="first")
    build.result(1, next=Address("final"), label="middle")
    build.result(1, label="final")
    session = rig.load(build)
    word = session.exec(first)
    answers = {session.address("first"): "first", session.address("final"): "final"}
    assert word in answers, f"exec: expected &first or &final, got {session.name(word)}"
    rig.characteristic("cached-return", answers[word])
