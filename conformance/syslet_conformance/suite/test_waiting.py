"""Area waiting: when `sys_async_wait` returns, and with what."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
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

# -- enough events ----------------------------------------------------------------------


@checks("wait.returns-when-enough", "wait.not-earlier")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_wait_returns_with_the_nth_event_while_another_is_pending(rig: Rig, n: int) -> None:
    build = Build(4)
    blocked = readers(build, n + 1)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    call = session.start_wait(n)
    for count, (pipe, _) in enumerate(blocked[:n]):
        assert_still_blocked(session, call, f"{count} of {n} events")
        release(rig, session, pipe)
    assert_succeeded(rig, call.join())
    assert_slots(session, *(atom for _, atom in blocked[:n]), *[0] * (4 - n))
    session.feed(blocked[n][0], b"x")
    assert_succeeded(rig, session.wait(n + 1))


@checks("wait.returns-when-enough", "wait.counts-from-user-index")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_events_from_before_the_wait_are_enough(rig: Rig, n: int) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(3)]
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    complete(rig, session, *done)
    assert_succeeded(rig, session.wait(n))
    assert_slots(session, *done, 0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(4))
    assert_slots(session, *done, pending)


@checks("wait.returns-when-enough", "wait.not-earlier")
@pytest.mark.parametrize("more_first", [False, True], ids=["fewer-first", "more-first"])
def test_two_waits_on_one_head_return_each_with_its_own_count(rig: Rig, more_first: bool) -> None:
    build = Build(4)
    (pipe, first), (other_pipe, second), (last_pipe, third) = readers(build, 3)
    session = rig.load(build)
    block(rig, session, first, second, third)
    calls = {}
    for n in (2, 1) if more_first else (1, 2):
        calls[n] = session.start_wait(n)
        assert_still_blocked(session, calls[n], f"0 of {n} events")
    one, two = calls[1], calls[2]
    release(rig, session, pipe)
    assert_succeeded(rig, one.join())
    assert_still_blocked(session, two, "1 of 2 events")
    session.feed(other_pipe, b"x")
    assert_succeeded(rig, two.join())
    session.feed(last_pipe, b"x")
    assert_succeeded(rig, session.wait(3))


@checks("wait.returns-when-enough", "wait.not-earlier", "wait.at-once", "ring.per-exec")
def test_a_wait_on_one_head_does_not_keep_one_on_another(rig: Rig) -> None:
    build = Build(4)
    build.ring(2, "other_ring", "other")
    (pipe, pending), (other_pipe, other) = readers(build, 2)
    session = rig.load(build)
    block(rig, session, pending)
    block(rig, session, other, head="other")
    call = session.start_wait(1)
    assert_still_blocked(session, call, "0 of 1 events")
    assert_succeeded(rig, session.wait(0, "other"))
    other_call = session.start_wait(1, "other")
    assert_still_blocked(session, other_call, "0 of 1 events on the other head")
    session.feed(other_pipe, b"x")
    assert_succeeded(rig, other_call.join())
    assert_slots(session, other, 0, head="other")
    assert_still_blocked(session, call, "0 of 1 events")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, pending, 0, 0, 0)


@checks("wait.returns-when-enough", "wait.not-earlier")
@pytest.mark.parametrize("n", [1, 2])
def test_events_of_syslets_that_were_submitted_meanwhile_are_enough(rig: Rig, n: int) -> None:
    build = Build(4)
    later = [build.result(1, flags=Flag.ASYNC) for _ in range(n)]
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    call = session.start_wait(n)
    for count, atom in enumerate(later):
        assert_still_blocked(session, call, f"{count} of {n} events")
        complete(rig, session, atom)
    assert_succeeded(rig, call.join())
    assert_slots(session, *later, *[0] * (4 - n))
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(n + 1))


@checks("wait.not-earlier", "wait.returns-when-none-pending")
def test_a_syslet_that_was_submitted_meanwhile_is_pending(rig: Rig) -> None:
    build = Build(4)
    (pipe, before), (later_pipe, later) = readers(build, 2)
    session = rig.load(build)
    block(rig, session, before)
    call = session.start_wait(3)
    assert_still_blocked(session, call, "0 of 3 events")
    block(rig, session, later)
    release(rig, session, pipe)
    assert_still_blocked(session, call, "1 of 3 events, and one pending")
    session.feed(later_pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, before, later, 0, 0)


@checks("wait.not-earlier")
@pytest.mark.parametrize("n", [1, 2, 4])
def test_wait_blocks_with_an_event_too_few_and_a_syslet_pending(rig: Rig, n: int) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(n - 1)]
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    complete(rig, session, *done)
    call = session.start_wait(n)
    assert_still_blocked(session, call, f"{n - 1} of {n} events")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, *done, pending, *[0] * (4 - n))


@checks("wait.not-earlier")
def test_cached_syslets_and_events_of_another_head_do_not_end_a_wait(rig: Rig) -> None:
    build = Build(4)
    build.ring(2, "other_ring", "other")
    cached = build.result(1, label="cached")
    elsewhere = build.result(1, flags=Flag.ASYNC, label="elsewhere")
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    call = session.start_wait(1)
    assert session.exec(cached) != 0, "exec of umem_add: expected an address, got NULL"
    complete(rig, session, elsewhere, head="other")
    assert_still_blocked(session, call, "0 of 1 events on this head")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, pending, 0, 0, 0)


# -- nothing pending --------------------------------------------------------------------


@checks("wait.returns-when-none-pending", "wait.not-earlier")
@pytest.mark.parametrize("pending", [1, 2, 3])
def test_wait_ends_with_the_last_pending_syslet_though_too_few_came(rig: Rig, pending: int) -> None:
    build = Build(4)
    blocked = readers(build, pending)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    call = session.start_wait(4)
    for count, (pipe, _) in enumerate(blocked):
        assert_still_blocked(session, call, f"{pending - count} pending")
        release(rig, session, pipe)
    assert_succeeded(rig, call.join())
    assert_slots(session, *(atom for _, atom in blocked), *[0] * (4 - pending))


@checks("wait.returns-when-none-pending")
def test_what_is_pending_on_another_head_does_not_keep_a_wait(rig: Rig) -> None:
    build = Build(4)
    build.ring(2, "other_ring", "other")
    (pipe, here), (other_pipe, there) = readers(build, 2)
    session = rig.load(build)
    block(rig, session, there, head="other")
    assert_succeeded(rig, session.wait(1))
    block(rig, session, here)
    call = session.start_wait(2)
    assert_still_blocked(session, call, "1 pending")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    session.feed(other_pipe, b"x")
    assert_succeeded(rig, session.wait(1, "other"))
    assert_slots(session, there, 0, head="other")


@checks("wait.at-once")
@pytest.mark.parametrize("pending", [1, 3])
def test_wait_for_no_event_does_not_block_while_syslets_are_pending(rig: Rig, pending: int) -> None:
    build = Build(4)
    blocked = readers(build, pending)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    assert_succeeded(rig, session.wait(0))
    assert_slots(session, 0, 0, 0, 0)
    for pipe, _ in blocked:
        session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(pending))


@checks("wait.at-once")
@pytest.mark.parametrize("n", [0, 1, 4, 5, 1_000_000])
def test_wait_on_a_head_that_was_never_used_does_not_block(rig: Rig, n: int) -> None:
    session = rig.load(Build(4))
    assert_succeeded(rig, session.wait(n))
    assert_slots(session, 0, 0, 0, 0)


@checks("wait.at-once")
@pytest.mark.parametrize("n", [0, 1, 4, 5])
def test_wait_after_everything_was_consumed_does_not_block(rig: Rig, n: int) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(3)]
    session = rig.load(build)
    complete(rig, session, *done)
    got = session.consume()
    assert got == [session.address(atom) for atom in done], f"expected 3 entries, got {got}"
    assert_succeeded(rig, session.wait(n))


@checks("wait.at-once")
def test_cached_syslets_leave_nothing_to_wait_for(rig: Rig) -> None:
    build = Build(4)
    cached = build.result(1, label="cached")
    session = rig.load(build)
    for _ in range(3):
        assert session.exec(cached) != 0, "exec of umem_add: expected an address, got NULL"
        assert_succeeded(rig, session.wait(1))
    assert_slots(session, 0, 0, 0, 0)


# -- NO_COMPLETE ------------------------------------------------------------------------


@checks("wait.no-complete-is-pending", "wait.returns-when-none-pending")
@pytest.mark.parametrize("n", [1, 4, 5])
def test_wait_blocks_until_a_no_complete_syslet_has_ended(rig: Rig, n: int) -> None:
    build = Build(4)
    [(pipe, silent)] = readers(build, 1, Flag.NO_COMPLETE)
    session = rig.load(build)
    block(rig, session, silent)
    call = session.start_wait(n)
    assert_still_blocked(session, call, "a NO_COMPLETE syslet is pending")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, 0, 0, 0, 0)


@checks("wait.no-complete-is-pending", "wait.not-earlier")
def test_the_end_of_a_no_complete_syslet_is_no_event(rig: Rig) -> None:
    build = Build(4)
    silent_pipe = build.pipe()
    silent = build.read(silent_pipe, flags=Flag.NO_COMPLETE, ret=build.word(label="got"))
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, silent, pending)
    call = session.start_wait(1)
    assert_still_blocked(session, call, "two syslets are pending")
    session.feed(silent_pipe, b"x")
    rig.until(lambda: session.word("got") == 1, "the result of a NO_COMPLETE syslet")
    assert_still_blocked(session, call, "only a NO_COMPLETE syslet has ended")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, pending, 0, 0, 0)
    wait_for_all(rig, session)


@checks("wait.no-complete-is-pending", "wait.returns-when-enough")
def test_a_pending_no_complete_syslet_keeps_only_a_wait_for_more(rig: Rig) -> None:
    build = Build(4)
    done = build.result(1, flags=Flag.ASYNC)
    [(pipe, silent)] = readers(build, 1, Flag.NO_COMPLETE)
    session = rig.load(build)
    block(rig, session, silent)
    complete(rig, session, done)
    assert_succeeded(rig, session.wait(1))
    call = session.start_wait(2)
    assert_still_blocked(session, call, "1 of 2 events, a NO_COMPLETE syslet pending")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, done, 0, 0, 0)


# -- the return word --------------------------------------------------------------------


@checks("wait.zero-on-success")
@pytest.mark.parametrize(
    ("events", "n"),
    [(0, 0), (0, 1), (2, 0), (2, 1), (2, 2), (2, 3)],
    ids=["none-asked", "none-pending", "0-of-2", "1-of-2", "2-of-2", "3-of-2"],
)
def test_a_wait_that_does_not_block_returns_0(rig: Rig, events: int, n: int) -> None:
    build = Build(4)
    done = [build.result(1, flags=Flag.ASYNC) for _ in range(events)]
    session = rig.load(build)
    complete(rig, session, *done)
    word = session.wait(n)
    assert word == 0, f"wait({n}) with {events} events: expected 0, got {rig.errno(word)}"


@checks("wait.zero-on-success")
@pytest.mark.parametrize("n", [1, 2], ids=["enough", "none-pending"])
def test_a_wait_that_blocked_returns_0(rig: Rig, n: int) -> None:
    build = Build(4)
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    call = session.start_wait(n)
    assert_still_blocked(session, call, "1 pending")
    session.feed(pipe, b"x")
    word = call.join()
    assert word == 0, f"wait({n}): expected 0, got {rig.errno(word)}"
