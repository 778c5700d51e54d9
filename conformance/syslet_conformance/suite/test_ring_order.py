"""Area ring: which entry goes where."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.steps import (
    assert_null,
    assert_slots,
    assert_still_blocked,
    assert_succeeded,
    assert_words,
    block,
    complete,
    readers,
    release,
    wait_for_all,
)
from syslet_layouts import Flag


def assert_indices(session: Session, kernel: int, user: int, head: str = "head") -> None:
    """Both indices of the descriptor."""
    got = session.index("kernel_ring_idx", head), session.index("user_ring_idx", head)
    assert got == (kernel, user), f"(kernel, user) index: expected {(kernel, user)}, got {got}"


# -- order ------------------------------------------------------------------------------


@checks("ring.starts-at-zero", "ring.wraps", "ring.kernel-index", "ring.exactly-once")
@pytest.mark.parametrize("slots", [1, 2, 3, 5])
def test_entries_follow_in_order_and_wrap(rig: Rig, slots: int) -> None:
    build = Build(slots)
    atoms = [build.result(1, flags=Flag.ASYNC) for _ in range(2 * slots + 1)]
    session = rig.load(build)
    for count, atom in enumerate(atoms):
        complete(rig, session, atom)
        expected: list[Address | int] = [NULL] * slots
        expected[count % slots] = atom
        assert_slots(session, *expected)
        wait_for_all(rig, session)
        assert_indices(session, (count + 1) % slots, count % slots)
        assert session.consume() == [session.address(atom)]


@checks("ring.starts-at-zero", "ring.kernel-index", "ring.wraps")
@pytest.mark.parametrize("slots", [1, 2, 3, 5])
def test_a_ring_is_filled_to_the_last_slot_before_anything_is_read(rig: Rig, slots: int) -> None:
    build = Build(slots)
    atoms = [build.result(1, flags=Flag.ASYNC) for _ in range(slots)]
    session = rig.load(build)
    for count, atom in enumerate(atoms, 1):
        complete(rig, session, atom)
        assert_slots(session, *atoms[:count], *[NULL] * (slots - count))
    wait_for_all(rig, session)
    assert_indices(session, 0, 0)
    assert session.consume() == [session.address(atom) for atom in atoms]
    assert_indices(session, 0, 0)


@checks("ring.wraps", "ring.kernel-index", "ring.exactly-once")
def test_slots_that_were_read_are_filled_again_beside_those_that_were_not(rig: Rig) -> None:
    build = Build(3)
    a, b, c, d, e = (build.result(1, flags=Flag.ASYNC, label=name) for name in "abcde")
    session = rig.load(build)
    complete(rig, session, a, b, c)
    session.consume(1)
    complete(rig, session, d)
    assert_slots(session, d, b, c)
    session.consume(2)
    complete(rig, session, e)
    assert_slots(session, d, e, NULL)
    wait_for_all(rig, session)
    assert_indices(session, 2, 0)
    assert session.consume() == [session.address(d), session.address(e)]


@checks("ring.starts-at-zero", "ring.exactly-once")
def test_who_ends_first_is_first_in_the_ring(rig: Rig) -> None:
    build = Build(4)
    blocked = readers(build, 3)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    order = [blocked[2], blocked[0], blocked[1]]
    for count, (pipe, _) in enumerate(order, 1):
        release(rig, session, pipe)
        assert_slots(session, *(atom for _, atom in order[:count]), *[NULL] * (4 - count))
    wait_for_all(rig, session)


# -- what an entry is -------------------------------------------------------------------


def _chain_to(build: Build, kind: str) -> tuple[Address, Address]:
    """A syslet of that kind, and the atom at which it ends."""
    if kind == "one-atom":
        only = build.result(1)
        return only, only
    if kind == "last-of-a-chain":
        last = build.result(2, label="last")
        return build.result(1, next=build.result(1, next=last)), last
    if kind == "stopped-in-the-middle":
        stop = build.result(0, flags=Flag.STOP_ON_ZERO, next=Address("behind"), label="stop")
        first = build.result(1, next=stop)
        build.result(1, label="behind")
        return first, stop
    if kind == "skipped-to":
        flags = Flag.STOP_ON_ZERO | Flag.SKIP_TO_NEXT_ON_STOP
        first = build.result(0, flags=flags, next=Address("elsewhere"))
        target = build.result(1, label="target")
        build.result(1, label="elsewhere")
        return first, target
    first = build.result(1, next=Address("later"))
    last = build.result(0, label="earlier")
    build.result(1, next=last, label="later")
    return first, last


@checks("ring.entry-is-final-atom")
@pytest.mark.parametrize(
    "kind",
    [
        "one-atom",
        "last-of-a-chain",
        "stopped-in-the-middle",
        "skipped-to",
        "lies-before-the-others",
    ],
)
@pytest.mark.parametrize("way", ["flag", "cachemiss"])
def test_the_entry_is_the_atom_at_which_the_syslet_ended(rig: Rig, kind: str, way: str) -> None:
    build = Build(2)
    pipe = build.pipe()
    first, last = _chain_to(build, kind)
    if way == "flag":
        start = build.result(1, flags=Flag.ASYNC, next=first, label="start")
    else:
        start = build.read(pipe, next=first, label="start")
    session = rig.load(build)
    block(rig, session, start)
    if way == "cachemiss":
        session.feed(pipe, b"x")
    wait_for_all(rig, session)
    assert_slots(session, last, NULL)


# -- cached -----------------------------------------------------------------------------


@checks("ring.cached-not-queued")
@pytest.mark.parametrize(
    "flags", [Flag(0), Flag.SYNC, Flag.NO_COMPLETE], ids=lambda f: f.name or "none"
)
@pytest.mark.parametrize("length", [1, 3])
def test_a_cached_syslet_leaves_the_ring_alone(rig: Rig, flags: Flag, length: int) -> None:
    build = Build(2)
    count = build.word(label="count")
    first = build.add(count, flags=flags)
    for _ in range(length - 1):
        first = build.add(count, flags=flags, next=first)
    session = rig.load(build)
    for turn in range(1, 4):
        word = session.exec(first)
        assert word, "exec of umem_add: expected an address, got NULL"
        assert not rig.is_error(word), f"exec: expected an address, got {rig.errno(word)}"
        assert_words(session, count=turn * length)
        wait_for_all(rig, session)
        assert_slots(session, NULL, NULL)
        assert_indices(session, 0, 0)


@checks("ring.cached-not-queued", "ring.exactly-once")
def test_cached_syslets_between_asynchronous_ones_take_no_slot(rig: Rig) -> None:
    build = Build(3)
    cached = build.result(1, label="cached")
    queued = [build.result(1, flags=Flag.ASYNC) for _ in range(3)]
    session = rig.load(build)
    for atom in queued:
        assert session.exec(cached), "exec of umem_add: expected an address, got NULL"
        complete(rig, session, atom)
    assert session.exec(cached), "exec of umem_add: expected an address, got NULL"
    wait_for_all(rig, session)
    assert_slots(session, *queued)


@checks("ring.cached-not-queued")
def test_a_call_that_blocked_under_sync_is_cached(rig: Rig) -> None:
    build = Build(2)
    pipe, after = build.pipe(), build.word(label="after")
    first = build.read(pipe, flags=Flag.SYNC, next=build.add(after, label="then"))
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    session.feed(pipe, b"x")
    word = call.join()
    assert word, "exec of a SYNC chain: expected an address, got NULL"
    assert_words(session, after=1)
    wait_for_all(rig, session)
    assert_slots(session, NULL, NULL)


# -- once each --------------------------------------------------------------------------


@checks("ring.exactly-once")
def test_each_of_many_comes_once_through_a_small_ring(rig: Rig) -> None:
    build = Build(4)
    count = build.word(label="count")
    atoms = [build.add(count, flags=Flag.ASYNC) for _ in range(40)]
    session = rig.load(build)
    got: list[int] = []
    for start in range(0, len(atoms), 4):
        block(rig, session, *atoms[start : start + 4])
        assert_succeeded(rig, session.wait(4))
        got += session.consume()
    wait_for_all(rig, session)
    got += session.consume()
    expected = sorted(session.address(atom) for atom in atoms)
    assert sorted(got) == expected, f"entries: expected each of 40 atoms once, got {got}"


@checks("ring.exactly-once")
def test_one_atom_submitted_again_and_again_comes_as_often(rig: Rig) -> None:
    build = Build(5)
    pipe = build.pipe()
    atom = build.read(pipe)
    session = rig.load(build)
    for turn in range(1, 4):
        block(rig, session, *[atom] * 3)
        session.feed(pipe, b"abc")
        wait_for_all(rig, session)
        taken = session.consume()
        expected = [session.address(atom)] * 3
        assert taken == expected, f"turn {turn}: expected 3 entries, got {taken}"


@checks("ring.parallel-completions", "ring.exactly-once")
@pytest.mark.parametrize("count", [2, 5, 16])
@pytest.mark.parametrize("pipes", ["one-pipe", "a-pipe-each"])
def test_syslets_that_end_in_parallel_fill_consecutive_slots(
    rig: Rig, count: int, pipes: str
) -> None:
    build = Build(count + 3)
    lead = [build.result(1, flags=Flag.ASYNC) for _ in range(2)]
    if pipes == "one-pipe":
        shared = build.pipe()
        blocked = [(shared, build.read(shared)) for _ in range(count)]
    else:
        blocked = readers(build, count)
    session = rig.load(build)
    complete(rig, session, *lead)
    session.consume(2)
    block(rig, session, *(atom for _, atom in blocked))
    if pipes == "one-pipe":
        session.feed(shared, b"x" * count)
    else:
        for pipe, _ in reversed(blocked):
            session.feed(pipe, b"x")
    wait_for_all(rig, session)
    assert_indices(session, count + 2, 2)
    slots = session.slots()
    assert slots[:2] + slots[-1:] == [0, 0, 0], f"expected only slots 2 to {count + 1}, got {slots}"
    got = sorted(slots[2:-1])
    expected = sorted(session.address(atom) for _, atom in blocked)
    assert got == expected, f"slots: expected each once {expected}, got {got}"


@checks("ring.parallel-completions", "ring.exactly-once")
def test_syslets_that_are_submitted_in_parallel_come_once_each(rig: Rig) -> None:
    build = Build(12)
    atoms = [build.add(build.word(), flags=Flag.ASYNC) for _ in range(12)]
    session = rig.load(build)
    calls = [session.start_exec(atom) for atom in atoms]
    for call in calls:
        assert_null(rig, call.join())
    wait_for_all(rig, session)
    got = sorted(session.slots())
    expected = sorted(session.address(atom) for atom in atoms)
    assert got == expected, f"slots: expected each once {expected}, got {got}"


# -- NO_COMPLETE ------------------------------------------------------------------------


@checks("ring.no-complete")
@pytest.mark.parametrize("way", ["flag", "cachemiss"])
@pytest.mark.parametrize("end", ["last", "stop", "skip-target"])
def test_no_complete_on_the_atom_at_which_it_ends_puts_no_entry(
    rig: Rig, end: str, way: str
) -> None:
    build = Build(2)
    pipe, reached = build.pipe(), build.word(label="reached")
    flags = Flag.ASYNC if way == "flag" else Flag(0)
    silent = Flag.NO_COMPLETE
    start = build.read(pipe, flags=flags, next=Address("second"), label="start")
    if end == "last":
        build.add(reached, flags=silent, label="second")
    elif end == "stop":
        build.add(
            reached, flags=silent | Flag.STOP_ON_NONZERO, next=Address("behind"), label="second"
        )
    else:
        skip = Flag.STOP_ON_ZERO | Flag.SKIP_TO_NEXT_ON_STOP
        build.result(0, flags=skip, next=Address("behind"), label="second")
        build.add(reached, flags=silent)
    build.result(1, label="behind")
    session = rig.load(build)
    block(rig, session, start)
    session.feed(pipe, b"x")
    wait_for_all(rig, session)
    assert_words(session, reached=1)
    assert_slots(session, NULL, NULL)
    assert_indices(session, 0, 0)


@checks("ring.no-complete", "ring.exactly-once")
@pytest.mark.parametrize("way", ["flag", "cachemiss"])
def test_no_complete_on_an_atom_that_is_not_the_last_means_nothing(rig: Rig, way: str) -> None:
    build = Build(2)
    pipe = build.pipe()
    flags = Flag.NO_COMPLETE | (Flag.ASYNC if way == "flag" else 0)
    start = build.read(pipe, flags=flags, next=Address("second"), label="start")
    build.result(1, flags=Flag.NO_COMPLETE, next=Address("last"), label="second")
    last = build.result(1, label="last")
    session = rig.load(build)
    block(rig, session, start)
    session.feed(pipe, b"x")
    wait_for_all(rig, session)
    assert_slots(session, last, NULL)


# -- large rings ------------------------------------------------------------------------


LARGE_SLOTS = 70_001
"""More than 16 bits count, and no power of two."""


@checks("layout.ring-slots", "ring.wraps", "ring.kernel-index")
def test_a_ring_of_70001_slots_is_filled_at_its_end_and_wraps(rig: Rig) -> None:
    build, last = Build(0), LARGE_SLOTS - 1
    build.ring(LARGE_SLOTS, kernel_ring_idx=last, user_ring_idx=last)
    atoms = [build.result(1, flags=Flag.ASYNC) for _ in range(2)]
    session = rig.load(build)
    for count, (atom, slot) in enumerate(zip(atoms, (last, 0), strict=True), 1):
        block(rig, session, atom)
        assert_succeeded(rig, session.wait(count))
        got = session.name(session.words(Address("ring", slot * rig.abi.word_bytes), 1)[0])
        expected = session.name(session.address(atom))
        assert got == expected, f"slot {slot}: expected {expected}, got {got}"
    taken = sum(slot != 0 for slot in session.slots())
    assert taken == len(atoms), f"ring: expected {len(atoms)} entries, got {taken}"
    assert_indices(session, 1, last)


# -- heads ------------------------------------------------------------------------------


HEADS, BLOCKED_HEADS = 256, 64
"""Where heads are told apart by part of their address some of so many are alike; so many syslets
may be blocked at once (exec.many-blocked)."""


@checks("ring.per-exec", "wait.at-once", "exec.many-blocked")
def test_of_256_heads_those_have_something_pending_that_have(rig: Rig) -> None:
    build = Build(0)
    names = [f"head{number}" for number in range(HEADS)]
    for number, name in enumerate(names):
        build.ring(1, f"ring{number}", name)
    pipe, busy = build.pipe(), names[:: HEADS // BLOCKED_HEADS]
    atoms = {name: build.read(pipe) for name in busy}
    session = rig.load(build)
    for name, atom in atoms.items():
        block(rig, session, atom, head=name)
    for name in names:
        if name not in atoms:
            assert_succeeded(rig, session.wait(1, name))
            assert_slots(session, NULL, head=name)
    session.feed(pipe, bytes(BLOCKED_HEADS))
    for name, atom in atoms.items():
        assert_succeeded(rig, session.wait(1, name))
        assert_slots(session, atom, head=name)


@checks("ring.per-exec", "ring.kernel-index")
def test_heads_are_independent_whoever_ends_first(rig: Rig) -> None:
    build = Build(3)
    build.ring(2, "ring_two", "two")
    build.ring(1, "ring_three", "three")
    heads = ["head", "two", "three", "two", "head"]
    blocked = readers(build, len(heads))
    session = rig.load(build)
    for head, (_, atom) in zip(heads, blocked, strict=True):
        block(rig, session, atom, head=head)
    for number in (3, 0, 4, 2, 1):
        release(rig, session, blocked[number][0], heads[number])
    atoms = [atom for _, atom in blocked]
    for head in ("head", "two", "three"):
        wait_for_all(rig, session, head)
    assert_slots(session, atoms[0], atoms[4], NULL)
    assert_slots(session, atoms[3], atoms[1], head="two")
    assert_slots(session, atoms[2], head="three")
    assert_indices(session, 2, 0)
    assert_indices(session, 0, 0, "two")
    assert_indices(session, 0, 0, "three")


@checks("ring.per-exec")
def test_one_atom_in_flight_on_two_heads_comes_to_each(rig: Rig) -> None:
    build = Build(2)
    build.ring(2, "other_ring", "other")
    pipe = build.pipe()
    atom = build.read(pipe)
    session = rig.load(build)
    block(rig, session, atom)
    block(rig, session, atom, head="other")
    session.feed(pipe, b"ab")
    wait_for_all(rig, session)
    wait_for_all(rig, session, "other")
    assert_slots(session, atom, NULL)
    assert_slots(session, atom, NULL, head="other")
