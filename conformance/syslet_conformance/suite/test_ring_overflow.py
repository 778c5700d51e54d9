"""Area ring: events that find their slot taken."""

from __future__ import annotations

import pytest

from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.losses import (
    assert_guarded,
    assert_reported,
    guarded_build,
    reports,
    submit,
)
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_words,
    block,
    complete,
    readers,
    wait_for_all,
)
from syslet_layouts import Flag

FATE = "overflow-fate"
DROPPED, LATE = "dropped", "delivered later"


@checks("ring.never-overwrites", "ring.overflow-is-an-error", "ring.kernel-index")
@pytest.mark.parametrize("way", ["flag", "cachemiss"])
@pytest.mark.parametrize("losses", [1, 2, 4])
@pytest.mark.parametrize("slots", [1, 3])
def test_each_loss_is_reported_once_and_the_taken_slots_stay(
    rig: Rig, slots: int, losses: int, way: str
) -> None:
    build = guarded_build(slots)
    first = [build.result(1, flags=Flag.ASYNC) for _ in range(slots)]
    pipe, count = build.pipe(), build.word(label="count")
    flags = Flag.ASYNC if way == "flag" else Flag(0)
    more = [build.read(pipe, flags=flags, next=build.add(count)) for _ in range(losses)]
    session = rig.load(build)
    complete(rig, session, *first)
    block(rig, session, *more)
    session.feed(pipe, b"x" * losses)
    assert_reported(rig, session, losses)
    assert_words(session, count=losses)
    assert_slots(session, *first)
    got = session.index("kernel_ring_idx")
    assert got == 0, f"kernel_ring_idx of a full ring: expected 0, got {got}"
    assert_guarded(session)
    for _ in range(2):
        wait_for_all(rig, session)


@checks("ring.overflow-is-an-error", "ring.recovers")
@pytest.mark.parametrize("losses", [1, 2])
def test_an_exec_that_reports_a_loss_has_not_run_its_syslet(rig: Rig, losses: int) -> None:
    build = guarded_build(1)
    first = build.result(1, flags=Flag.ASYNC)
    more = [build.result(1, flags=Flag.ASYNC) for _ in range(losses)]
    probe = build.add(build.word(label="count"), label="probe")
    session = rig.load(build)
    complete(rig, session, first)
    errors, ran = submit(rig, session, *more), 0

    def all_reported() -> bool:
        nonlocal errors, ran
        if errors < losses:
            word = session.exec(probe)
            assert word, "exec of umem_add: expected an address or an errno, got NULL"
            errors += rig.is_error(word)
            ran += not rig.is_error(word)
            assert_words(session, count=ran)
        return errors == losses

    rig.until(all_reported, f"{losses} execs that report a loss")
    word = session.exec(probe)
    assert word, "exec of umem_add: expected an address, got NULL"
    assert not rig.is_error(word), f"exec: expected no error after {losses}, got {rig.errno(word)}"
    assert_words(session, count=ran + 1)
    assert_slots(session, first)
    assert_reported(rig, session, 0)


@checks("ring.overflow-is-an-error", "ring.per-exec")
def test_a_loss_is_reported_on_its_own_head_alone(rig: Rig) -> None:
    build = guarded_build(1)
    build.ring(1, "other_ring", "other")
    first, second, elsewhere = (build.result(1, flags=Flag.ASYNC) for _ in range(3))
    session = rig.load(build)
    complete(rig, session, first)
    complete(rig, session, elsewhere, head="other")
    block(rig, session, second)
    assert_reported(rig, session, 0, "other")
    assert_reported(rig, session, 1)
    assert_reported(rig, session, 0, "other")
    assert_slots(session, elsewhere, head="other")


@checks("ring.recovers", "ring.wraps", "ring.kernel-index", "ring.exactly-once")
@pytest.mark.parametrize("consumed", [1, 2, 3])
def test_after_a_loss_events_go_on_at_the_next_slot(rig: Rig, consumed: int) -> None:
    build = guarded_build(3)
    first = [build.result(1, flags=Flag.ASYNC, label=f"first{i}") for i in range(3)]
    lost = build.result(1, flags=Flag.ASYNC, label="lost")
    new = [build.result(1, flags=Flag.ASYNC, label=f"new{i}") for i in range(3)]
    session = rig.load(build)
    complete(rig, session, *first)
    block(rig, session, lost)
    assert_reported(rig, session, 1)
    taken, expected = session.consume(consumed), [session.address(a) for a in first[:consumed]]
    assert taken == expected, f"entries: expected {expected}, got {taken}"
    # An engine may deliver the lost event now: then the last of the new ones finds no room.
    reported = submit(rig, session, *new[:consumed]) + reports(rig, session)
    slots = session.slots()
    late = session.address(lost) in slots
    rig.characteristic(FATE, LATE if late else DROPPED)
    assert reported == late, (
        f"errors for {consumed} events more: expected {int(late)}, got {reported}"
    )
    fitting = {session.address(atom) for atom in new[:consumed]}
    entries = [entry for entry in slots[:consumed] if entry != session.address(lost)]
    ok = len(set(entries)) == len(entries) == consumed - late and set(entries) <= fitting
    assert ok, f"slots: expected {consumed} of {new[:consumed]} and {lost}, got {slots}"
    rest = [session.address(atom) for atom in first[consumed:]]
    assert slots[consumed:] == rest, f"slots not read: expected {rest}, got {slots[consumed:]}"
    got = session.index("kernel_ring_idx")
    assert got == consumed % 3, f"kernel_ring_idx: expected {consumed % 3}, got {got}"
    in_order = rest + slots[:consumed]
    taken = session.consume(3)
    assert taken == in_order, f"entries: expected {in_order}, got {taken}"
    assert_guarded(session)


@checks("ring.recovers", "ring.exactly-once")
def test_many_losses_later_every_event_still_comes(rig: Rig) -> None:
    build = guarded_build(2)
    atoms = [build.result(1, flags=Flag.ASYNC) for _ in range(5)]
    session = rig.load(build)
    for turn in range(4):
        complete(rig, session, *atoms[:2])
        by_exec = submit(rig, session, *atoms[2:])
        assert_reported(rig, session, 3 - by_exec)
        got = session.consume()
        wait_for_all(rig, session)
        while more := session.consume():
            got += more
            wait_for_all(rig, session)
        expected = [session.address(atom) for atom in atoms]
        assert got[:2] == expected[:2], f"turn {turn}: expected {expected[:2]} first, got {got}"
        assert len(set(got)) == len(got), f"turn {turn}: expected none twice, got {got}"
        assert set(got) <= set(expected), f"turn {turn}: expected some of {expected}, got {got}"


@checks("ring.recovers", "wait.full-ring")
def test_a_wait_on_a_ring_that_lost_events_returns(rig: Rig) -> None:
    build = guarded_build(1)
    first, second = (build.result(1, flags=Flag.ASYNC) for _ in range(2))
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    complete(rig, session, first)
    block(rig, session, second)
    reported = sum(rig.is_error(session.wait(1)) for _ in range(3))
    assert reported <= 1, f"three waits: expected one error at most, got {reported}"
    rig.until(lambda: rig.is_error(session.wait(0)) or reported == 1, "the loss to be reported")
    entries = session.consume(1)
    session.feed(pipe, b"x")

    def has_come() -> bool:
        entries.extend(session.consume())
        return session.address(pending) in entries

    rig.until(has_come, "the entry of the syslet that ended last")
    reports(rig, session)
    entries += session.consume()
    names = {first: 1, pending: 1, second: entries.count(session.address(second))}
    assert names[second] <= 1, "expected the lost event once at most, got it twice"
    expected = sorted(session.address(atom) for atom, count in names.items() if count)
    assert sorted(entries) == expected, f"entries: expected {expected}, got {entries}"


@checks("ring.overflow-is-an-error", "ring.no-complete")
def test_no_complete_loses_nothing_on_a_full_ring(rig: Rig) -> None:
    build = guarded_build(1)
    first = build.result(1, flags=Flag.ASYNC)
    silent = build.add(build.word(label="ran"), flags=Flag.ASYNC | Flag.NO_COMPLETE)
    session = rig.load(build)
    complete(rig, session, first)
    block(rig, session, silent)
    assert_reported(rig, session, 0)
    assert_words(session, ran=1)
    assert_slots(session, first)


@checks("ring.overflow-fate")
def test_what_becomes_of_an_event_that_did_not_fit(rig: Rig) -> None:
    build = guarded_build(2)
    *first, lost, other = (build.result(1, flags=Flag.ASYNC) for _ in range(4))
    session = rig.load(build)
    complete(rig, session, *first)
    block(rig, session, lost)
    assert_reported(rig, session, 1)
    session.consume(2)
    block(rig, session, other)
    assert_reported(rig, session, 0)
    late = session.address(lost) in session.slots()
    wanted = {session.address(other), session.address(lost) if late else 0}
    got = set(session.slots())
    assert got == wanted, f"slots: expected {wanted}, got {got}"
    rig.characteristic(FATE, LATE if late else DROPPED)
