"""Area running: each exec has one outcome, and an atom cannot call the engine."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_cached,
    assert_not_null,
    assert_null,
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
    readers,
)
from syslet_layouts import Flag

# -- one outcome -------------------------------------------------------------------------


@checks("exec.one-outcome")
@pytest.mark.parametrize("silent", [False, True], ids=["complete", "no_complete"])
@pytest.mark.parametrize("outcome", ["cached", "blocked", "async"])
def test_an_address_goes_with_no_entry_and_null_with_one(
    rig: Rig, outcome: str, silent: bool
) -> None:
    flags = Flag.NO_COMPLETE if silent else Flag(0)
    build = Build()
    pipe = build.pipe()
    if outcome == "blocked":
        atom = build.read(pipe, flags=flags)
    else:
        atom = build.result(1, flags=flags | (Flag.ASYNC if outcome == "async" else 0))
    session = rig.load(build)
    word = session.exec(atom)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(4))
    if outcome == "cached":
        assert_cached(rig, session, atom, word)
        return
    assert_null(rig, word)
    assert_slots(session, 0 if silent else atom, 0, 0, 0)


@checks("exec.one-outcome")
def test_a_negative_errno_goes_with_no_entry_and_nothing_pending(rig: Rig) -> None:
    build = Build()
    good = build.result(1, flags=Flag.ASYNC, label="good")
    session = rig.load(build)
    for _ in range(3):
        word = session.exec(NULL)
        assert rig.is_error(word), f"exec of NULL: expected a negative errno, got {word:#x}"
        assert_succeeded(rig, session.wait(1))
        assert_slots(session, 0, 0, 0, 0)
    assert_null(rig, session.exec(good))
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, good, 0, 0, 0)


@checks("exec.one-outcome")
def test_outcomes_one_after_the_other_leave_an_entry_for_each_null(rig: Rig) -> None:
    build = Build(8)
    cached = build.result(1, label="cached")
    asynchronous = build.result(1, flags=Flag.ASYNC, label="asynchronous")
    silent = build.result(1, flags=Flag.ASYNC | Flag.NO_COMPLETE, label="silent")
    [(pipe, blocked)] = readers(build, 1)
    session = rig.load(build)
    for _ in range(2):
        assert_not_null(rig, session.exec(cached))
        block(rig, session, blocked)
        block(rig, session, silent)
        assert rig.is_error(session.exec(NULL)), "exec of NULL: expected a negative errno"
        block(rig, session, asynchronous)
    session.feed(pipe, b"xx")
    assert_succeeded(rig, session.wait(8))
    got = sorted(session.name(entry) for entry in session.consume())
    expected = sorted(2 * [f"&{blocked.label}"] + 2 * ["&asynchronous"])
    assert got == expected, f"expected the entries {expected}, got {got}"


# -- no reentry --------------------------------------------------------------------------


@checks("exec.no-reentry")
@pytest.mark.both_modes
def test_an_atom_that_names_exec_gets_a_negative_result_and_starts_nothing(rig: Rig) -> None:
    build = Build()
    build.ring(2, "other_ring", "other")
    inner, after = build.word(label="inner"), build.word(label="after")
    result = build.word(7, label="result")
    started = build.add(inner, flags=Flag.ASYNC, label="started")
    arguments = build.word(started), build.word(Address("other"))
    first = build.atom("async_exec", *arguments, next=Address("last"), ret=result, label="first")
    last = build.add(after, label="last")
    session, ran = rig.run(build, first)
    got = session.word("result")
    assert got < 0, f"result of async_exec: expected a negative number, got {got}"
    assert_words(session, after=1)
    rig.assert_ended_at(session, ran, last)
    assert_succeeded(rig, session.wait(1, "other"))
    assert_slots(session, 0, 0, head="other")
    assert_words(session, inner=0)


@checks("exec.no-reentry")
@pytest.mark.both_modes
def test_an_atom_that_executes_itself_does_not_recurse(rig: Rig) -> None:
    build = Build()
    arguments = build.word(Address("first")), build.word(Address("head"))
    result = build.word(7, label="result")
    first = build.atom("async_exec", *arguments, ret=result, label="first")
    session, ran = rig.run(build, first)
    got = session.word("result")
    assert got < 0, f"result of async_exec: expected a negative number, got {got}"
    rig.assert_ended_at(session, ran, first)
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.no-reentry")
@pytest.mark.both_modes
def test_an_atom_that_names_wait_gets_a_negative_result_and_does_not_wait(rig: Rig) -> None:
    build = Build()
    build.ring(2, "other_ring", "other")
    after, result = build.word(label="after"), build.word(7, label="result")
    arguments = build.word(1), build.word(0), build.word(Address("other"))
    first = build.atom("async_wait", *arguments, next=Address("last"), ret=result, label="first")
    last = build.add(after, label="last")
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build, first)
    block(rig, session, pending, head="other")
    ran = rig.finish(session, first)
    got = session.word("result")
    assert got < 0, f"result of async_wait: expected a negative number, got {got}"
    assert_words(session, after=1)
    rig.assert_ended_at(session, ran, last)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1, "other"))
    assert_slots(session, pending, 0, head="other")
