"""Area ring: where completions go."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_layouts import Flag


@checks("ring.starts-at-zero", "ring.wraps", "ring.kernel-index", "ring.exactly-once")
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_entries_follow_in_order_and_wrap(rig: Rig, slots: int) -> None:
    build = Build(slots)
    atoms = [build.result(1, flags=Flag.ASYNC) for _ in range(2 * slots + 1)]
    session = rig.load(build)
    for count, atom in enumerate(atoms):
        assert session.exec(atom) == 0
        assert session.wait(1) == 0
        expected = [0] * slots
        expected[count % slots] = session.address(atom)
        assert session.slots() == expected
        assert session.index("kernel_ring_idx") == (count + 1) % slots
        assert session.consume() == [session.address(atom)]


@checks("ring.never-overwrites", "ring.overflow-is-an-error", "ring.recovers")
def test_a_taken_slot_stays_and_the_loss_is_reported_once(rig: Rig) -> None:
    build = Build(1)
    first, second, third = (build.result(1, flags=Flag.ASYNC) for _ in range(3))
    session = rig.load(build)
    assert session.exec(first) == 0
    assert session.wait(1) == 0
    assert session.exec(second) == 0
    reported = [rig.is_error(session.wait(2)) for _ in range(3)]
    assert reported.count(True) == 1, f"expected one error of three waits, got {reported}"
    assert session.slots() == [session.address(first)]
    assert session.consume(1) == [session.address(first)]
    assert session.exec(third) == 0
    rig.until(lambda: session.slots()[0] != 0, "an entry after the ring was cleared")
    session.consume()


@checks("ring.no-complete", "wait.no-complete-is-pending")
def test_no_complete_puts_no_entry(rig: Rig) -> None:
    build = Build()
    reached = build.word(label="reached")
    atom = build.add(reached, 1, flags=Flag.ASYNC | Flag.NO_COMPLETE)
    session = rig.load(build)
    assert session.exec(atom) == 0
    assert session.wait(1) == 0
    assert session.word("reached") == 1
    assert session.slots() == [0, 0, 0, 0]


@checks("ring.per-exec")
def test_two_heads_are_independent(rig: Rig) -> None:
    build = Build()
    build.ring(2, "other_ring", "other")
    first, second = (build.result(1, flags=Flag.ASYNC) for _ in range(2))
    session = rig.load(build)
    assert session.exec(first, "other") == 0
    assert session.wait(1, "other") == 0
    assert session.exec(second) == 0
    assert session.wait(1) == 0
    assert session.slots("other") == [session.address(first), 0]
    assert session.slots() == [session.address(second), 0, 0, 0]


@checks("exec.cached-returns-submitted", "ring.cached-not-queued")
@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_cached_syslet_returns_its_first_atom_and_no_entry(rig: Rig, length: int) -> None:
    build = Build()
    first = build.result(1)
    for _ in range(length - 1):
        first = build.result(1, next=first)
    session = rig.load(build)
    assert session.exec(first) == session.address(first)
    assert session.slots() == [0, 0, 0, 0]


@checks("exec.cachemiss-returns-null", "exec.continues-alone", "wait.returns-when-enough")
def test_a_syslet_that_blocks_goes_on_alone(rig: Rig) -> None:
    build = Build()
    pipe, after = build.pipe(), build.word(label="after")
    last = build.add(after, 1, label="last")
    first = build.read(pipe, next=last)
    session = rig.load(build)
    assert session.exec(first) == 0
    assert session.word("after") == 0
    session.feed(pipe, b"x")
    rig.until(lambda: session.slots()[0] != 0, "an entry with no further call")
    assert session.wait(1) == 0
    assert session.consume() == [session.address(last)]
    assert session.word("after") == 1
