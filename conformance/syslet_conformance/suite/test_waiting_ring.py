"""Area waiting: which slots of the ring count, full or not, and that they stay."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_still_blocked,
    assert_succeeded,
    block,
    complete,
    readers,
    release,
    wait_for_all,
)
from syslet_layouts import Flag

# -- which slots count ------------------------------------------------------------------


@checks("wait.counts-from-user-index")
def test_consumed_events_do_not_count(rig: Rig) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(2)]
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    complete(rig, session, *done)
    got = session.consume()
    assert got == [session.address(atom) for atom in done], f"expected 2 entries, got {got}"
    block(rig, session, pending)
    call = session.start_wait(1)
    assert_still_blocked(session, call, "both events were consumed")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, 0, 0, pending, 0)


def _begin_at(rig: Rig, session: Session, start: int, atom: Address) -> None:
    """Bring both indices to `start`, by events that come and are consumed."""
    for _ in range(start):
        complete(rig, session, atom)
        assert session.consume() == [session.address(atom)], "expected one entry to consume"


@checks("wait.counts-from-user-index")
@pytest.mark.parametrize("start", [1, 2, 3])
def test_events_are_counted_from_the_middle_and_across_the_end(rig: Rig, start: int) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(2)]
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    _begin_at(rig, session, start, done[0])
    block(rig, session, pending)
    complete(rig, session, *done)
    assert_succeeded(rig, session.wait(2))
    call = session.start_wait(3)
    assert_still_blocked(session, call, "2 of 3 events")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    expected: list[Address | int] = [0, 0, 0, 0]
    for count, atom in enumerate([*done, pending]):
        expected[(start + count) % 4] = atom
    assert_slots(session, *expected)


@checks("wait.counts-from-user-index")
def test_the_index_that_is_passed_counts_not_that_of_the_descriptor(rig: Rig) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(2)]
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    complete(rig, session, *done)
    assert_succeeded(rig, session.wait(2, user_ring_idx=0))
    assert_succeeded(rig, session.wait(1, user_ring_idx=1))
    call = session.start_wait(2, user_ring_idx=1)
    assert_still_blocked(session, call, "1 event from slot 1 on")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, *done, pending, 0)


@checks("wait.counts-from-user-index")
def test_the_run_ends_at_the_first_slot_that_is_null(rig: Rig) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(3)]
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    complete(rig, session, *done)
    session.set_word(Address("ring", rig.abi.word_bytes), 0)
    assert_succeeded(rig, session.wait(1))
    call = session.start_wait(2)
    assert_still_blocked(session, call, "slot 1 is NULL")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, done[0], 0, done[2], pending)


# -- a full ring ------------------------------------------------------------------------


@checks("wait.full-ring", "wait.returns-when-enough")
@pytest.mark.parametrize(
    ("slots", "start"),
    [(1, 0), (2, 1), (3, 0), (4, 0), (4, 2)],
    ids=["1-slot", "2-slots-from-1", "3-slots", "4-slots", "4-slots-from-2"],
)
def test_a_full_ring_holds_as_many_events_as_slots(rig: Rig, slots: int, start: int) -> None:
    build = Build(slots)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(slots)]
    [(pipe, silent)] = readers(build, 1, Flag.NO_COMPLETE)
    session = rig.load(build)
    _begin_at(rig, session, start, done[0])
    block(rig, session, silent)
    complete(rig, session, *done)
    for n in range(1, slots + 1):
        assert_succeeded(rig, session.wait(n))
    session.feed(pipe, b"x")
    wait_for_all(rig, session)
    entries = session.consume()
    assert entries == [session.address(atom) for atom in done], (
        f"expected {slots} entries in order, got {[session.name(e) for e in entries]}"
    )


@checks("wait.full-ring")
@pytest.mark.parametrize("slots", [1, 4])
def test_wait_ends_with_the_event_that_fills_the_ring(rig: Rig, slots: int) -> None:
    build = Build(slots)
    blocked = readers(build, slots)
    [(silent_pipe, silent)] = readers(build, 1, Flag.NO_COMPLETE)
    session = rig.load(build)
    block(rig, session, silent, *(atom for _, atom in blocked))
    call = session.start_wait(slots)
    for count, (pipe, _) in enumerate(blocked):
        assert_still_blocked(session, call, f"{count} of {slots} events")
        release(rig, session, pipe)
    assert_succeeded(rig, call.join())
    assert_slots(session, *(atom for _, atom in blocked))
    session.feed(silent_pipe, b"x")
    wait_for_all(rig, session)


@checks("wait.full-ring")
@pytest.mark.parametrize("slots", [1, 4])
def test_a_program_that_polls_never_has_to_wait(rig: Rig, slots: int) -> None:
    build = Build(slots)
    pipe = build.pipe()
    atoms = [build.read(pipe) for _ in range(slots)]
    session = rig.load(build)
    for turn in range(3):
        block(rig, session, *atoms)
        session.feed(pipe, b"x" * slots)
        rig.until(lambda: all(session.slots()), f"a full ring in turn {turn}")
        entries = session.consume()
        assert sorted(entries) == sorted(session.address(atom) for atom in atoms), (
            f"turn {turn}: expected each atom once, got {[session.name(e) for e in entries]}"
        )
    wait_for_all(rig, session)


# -- consuming nothing ------------------------------------------------------------------


def _ring_and_head(rig: Rig, session: Session) -> tuple[list[int], bytes]:
    return session.slots(), rig.engine.read(session.address("head"), rig.abi.head_size)


@checks("wait.consumes-nothing")
@pytest.mark.parametrize("start", [0, 3])
def test_waits_leave_ring_and_descriptor_as_they_are(rig: Rig, start: int) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(3)]
    session = rig.load(build)
    _begin_at(rig, session, start, done[0])
    complete(rig, session, *done)
    assert_succeeded(rig, session.wait(4))
    before = _ring_and_head(rig, session)
    for n in (0, 1, 2, 3, 3, 4, 5):
        assert_succeeded(rig, session.wait(n))
        after = _ring_and_head(rig, session)
        assert after == before, f"after wait({n}): expected {before}, got {after}"
    entries = session.consume()
    expected = [session.address(atom) for atom in done]
    assert entries == expected, f"expected the entries {expected}, got {entries}"


@checks("wait.consumes-nothing", "wait.returns-when-enough")
def test_a_wait_that_blocked_leaves_its_event_for_the_next_one(rig: Rig) -> None:
    build = Build(2)
    (pipe, atom), (other_pipe, other) = readers(build, 2)
    session = rig.load(build)
    block(rig, session, atom, other)
    call = session.start_wait(1)
    assert_still_blocked(session, call, "0 of 1 events")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, atom, 0)
    index = session.index("user_ring_idx")
    assert index == 0, f"user_ring_idx: expected 0, got {index}"
    session.feed(other_pipe, b"x")
    assert_succeeded(rig, session.wait(2))
    assert_slots(session, atom, other)


# -- more than the ring holds -----------------------------------------------------------


@checks("wait.more-than-ring", "wait.not-earlier", "wait.returns-when-none-pending")
@pytest.mark.parametrize(
    ("slots", "n"),
    [(1, 2), (2, 3), (4, 5), (4, 1_000_000)],
    ids=["2-of-1-slot", "3-of-2-slots", "5-of-4-slots", "1000000-of-4-slots"],
)
def test_wait_for_more_than_the_ring_holds_ends_with_the_last(rig: Rig, slots: int, n: int) -> None:
    build = Build(slots)
    blocked = readers(build, slots)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    call = session.start_wait(n)
    for count, (pipe, _) in enumerate(blocked):
        assert_still_blocked(session, call, f"{slots - count} pending")
        release(rig, session, pipe)
    assert_succeeded(rig, call.join())
    assert_slots(session, *(atom for _, atom in blocked))


GREATEST = {
    "low-half-zero": lambda abi: 1 << 4 * abi.word_bytes,
    "greatest-signed": lambda abi: abi.word_max,
}
"""Numbers of events that are others where half of the word counts, or a sign."""


@checks("wait.more-than-ring", "wait.not-earlier", "wait.returns-when-none-pending")
@pytest.mark.parametrize("number", GREATEST)
def test_the_number_of_events_is_a_whole_word(rig: Rig, number: str) -> None:
    build = Build(4)
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    call = session.start_wait(GREATEST[number](rig.abi))
    assert_still_blocked(session, call, "1 pending")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, pending, 0, 0, 0)


@checks("wait.more-than-ring", "wait.full-ring", "wait.no-complete-is-pending")
@pytest.mark.parametrize("slots", [1, 4])
def test_a_full_ring_is_not_more_than_it_holds(rig: Rig, slots: int) -> None:
    build = Build(slots)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(slots)]
    [(pipe, silent)] = readers(build, 1, Flag.NO_COMPLETE)
    session = rig.load(build)
    block(rig, session, silent)
    complete(rig, session, *done)
    call = session.start_wait(slots + 1)
    assert_still_blocked(session, call, f"{slots} of {slots + 1} events, 1 pending")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, *done)
