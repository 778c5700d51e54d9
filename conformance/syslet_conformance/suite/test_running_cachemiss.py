"""Area running: a syslet that blocks goes on beside the caller, and needs no further call."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.calls import Hang
from syslet_conformance.program import NULL, Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_not_null,
    assert_null,
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
    complete,
    readers,
    release,
    until_word,
    wait_for_all,
)
from syslet_layouts import Flag

# -- cachemiss ---------------------------------------------------------------------------


@checks("exec.cachemiss-returns-null")
@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize("after", [0, 3])
def test_exec_returns_null_wherever_the_syslet_blocks(rig: Rig, before: int, after: int) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(-7, label="got")
    early, late = build.word(label="early"), build.word(label="late")
    following: Address | int = NULL
    for _ in range(after):
        following = build.add(late, next=following)
    last_of_all = build.code[0].label if after else "reads"
    following = build.read(pipe, next=following, ret=got, label="reads")
    for _ in range(before):
        following = build.add(early, next=following)
    session = rig.load(build)
    assert_null(rig, session.exec(following))
    assert_words(session, got=-7)
    assert_slots(session, 0, 0, 0, 0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_words(session, early=before, got=1, late=after)
    assert_slots(session, Address(last_of_all), 0, 0, 0)


@checks("exec.cachemiss-returns-null")
def test_the_blocked_call_goes_on_beside_the_caller(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    reads = build.read(pipe, 4, into=build.buffer(4, label="into"), ret=got, label="reads")
    writes = build.write(pipe, b"data", label="writes")
    session = rig.load(build)
    block(rig, session, reads)
    assert_words(session, got=0)
    word = session.exec(writes)
    assert not rig.is_error(word), f"exec of a write: expected success, got {rig.errno(word)}"
    rig.until(lambda: session.address("reads") in session.slots(), "the entry of the read")
    assert_words(session, got=4)
    data = rig.engine.read(session.address("into"), 4)
    assert data == b"data", f"into: expected b'data', got {data!r}"
    assert_succeeded(rig, session.wait(2))


@checks("exec.continues-alone")
@pytest.mark.both_modes
def test_the_rest_of_a_syslet_runs_with_no_further_call(rig: Rig) -> None:
    build = Build()
    pipe, count = build.pipe(), build.word(label="count")
    first = build.add(count, next=Address("reads"), label="first")
    build.read(pipe, next=Address("rest0"), label="reads")
    for index in range(20):
        build.add(count, next=Address(f"rest{index + 1}"), label=f"rest{index}")
    last = build.add(count, label="rest20")
    session = rig.load(build, first)
    assert_null(rig, session.exec(first))
    session.feed(pipe, b"x")
    rig.until(lambda: session.slots()[0] != 0, "an entry with no further call")
    assert_words(session, count=22)
    assert_slots(session, last, 0, 0, 0)
    wait_for_all(rig, session)


@checks("exec.continues-alone", "exec.one-outcome")
@pytest.mark.both_modes
def test_a_syslet_that_blocks_several_times_goes_on_alone_each_time(rig: Rig) -> None:
    build = Build()
    pipes, count = [build.pipe() for _ in range(3)], build.word(label="count")
    for index, pipe in enumerate(pipes):
        build.read(pipe, next=Address(f"adds{index}"), label=f"reads{index}")
        following: Address | int = Address(f"reads{index + 1}") if index < 2 else NULL
        build.add(count, next=following, label=f"adds{index}")
    first = Address("reads0")
    session = rig.load(build, first)
    assert_null(rig, session.exec(first))
    for index, pipe in enumerate(pipes):
        assert_words(session, count=index)
        assert_slots(session, 0, 0, 0, 0)
        session.feed(pipe, b"x")
        until_word(rig, session, "count", index + 1)
    rig.until(lambda: session.slots()[0] != 0, "an entry with no further call")
    assert_slots(session, Address("adds2"), 0, 0, 0)
    wait_for_all(rig, session)


@checks("exec.continues-alone", "exec.one-outcome")
@pytest.mark.both_modes
def test_a_blocked_syslet_outlives_the_thread_that_submitted_it(rig: Rig) -> None:
    build = Build()
    pipe, count = build.pipe(), build.word(label="count")
    first = build.read(pipe, next=Address("adds"), label="reads")
    last = build.add(count, label="adds")
    session = rig.load(build, first)
    assert_null(rig, session.exec_and_end_the_thread(first))
    assert_slots(session, 0, 0, 0, 0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_words(session, count=1)
    assert_slots(session, last, 0, 0, 0)


# -- many --------------------------------------------------------------------------------


@checks("exec.many-blocked", "exec.one-outcome")
def test_64_blocked_syslets_complete_once_each_in_the_order_of_their_data(rig: Rig) -> None:
    build = Build(64)
    blocked = readers(build, 64)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    assert_slots(session, *[0] * 64)
    backwards = blocked[::-1]
    for pipe, _ in backwards:
        release(rig, session, pipe)
    assert_succeeded(rig, session.wait(64))
    assert_slots(session, *(atom for _, atom in backwards))


@checks("exec.many-blocked")
def test_others_complete_while_64_syslets_are_blocked(rig: Rig) -> None:
    build = Build(68)
    count = build.word(label="count")
    cached = build.add(count, label="cached")
    asynchronous = [build.add(count, flags=Flag.ASYNC) for _ in range(3)]
    [(other_pipe, other)] = readers(build, 1)
    blocked = readers(build, 64)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    assert_not_null(rig, session.exec(cached))
    complete(rig, session, *asynchronous)
    assert_words(session, count=4)
    block(rig, session, other)
    session.feed(other_pipe, b"x")
    assert_succeeded(rig, session.wait(4))
    assert_slots(session, *asynchronous, other, *[0] * 64)
    for pipe, _ in blocked:
        session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(68))
    got, expected = session.slots()[4:], [session.address(atom) for _, atom in blocked]
    assert sorted(got) == sorted(expected), (
        f"expected each of 64 once, got {len(set(got) & set(expected))} of them"
    )


THOUSAND = 1_000
"""How many an engine SHOULD carry; 64 is what it MUST."""


@checks("exec.many-blocked")
def test_of_1000_syslets_all_that_the_engine_took_complete_once_each(rig: Rig) -> None:
    build = Build(THOUSAND)
    pipe, into, one = build.pipe(), build.word(build.buffer(1)), build.word(1)
    got = build.words(*[0] * THOUSAND, label="got")
    atoms = [
        build.atom("read", Address(f"{pipe}.read"), into, one, ret=Address(got.label, offset))
        for offset in range(0, THOUSAND * rig.abi.word_bytes, rig.abi.word_bytes)
    ]
    session = rig.load(build)
    taken = 0
    for atom in atoms:
        call = session.start_exec(atom)
        try:
            word = call.join()
        except Hang:
            if taken < 64:
                raise
            break
        if rig.is_error(word):
            break
        assert_null(rig, word)
        taken += 1
    rig.characteristic("blocked-at-once", str(taken))
    assert taken >= 64, f"expected 64 blocked at once, got {taken}"
    assert not any(session.slots()), "ring: expected no entry before the pipe is fed, got some"
    session.feed(pipe, b"x" * (taken + 1))  # a byte for an exec that has not returned
    session.join()
    assert_succeeded(rig, session.wait(THOUSAND))
    entries = [slot for slot in session.slots() if slot]
    expected = [session.address(atom) for atom in atoms[:taken]]
    missing = len(set(expected) - set(entries))
    assert not missing, f"expected {taken} entries, {missing} of them are missing"
    assert len(set(entries)) == len(entries), (
        f"expected each entry once, got {len(entries) - len(set(entries))} twice"
    )
    done = session.words(got, taken).count(1)
    assert done == taken, f"expected {taken} results of 1, got {done}"
