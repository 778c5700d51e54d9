"""Area ring: what the engine writes, when, and what it never touches again."""

from __future__ import annotations

from functools import partial

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Buffer
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.memory import sections
from syslet_conformance.suite.steps import (
    assert_null,
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
    complete,
    readers,
    wait_for_all,
)
from syslet_layouts import Flag

FREE_FIELDS = ("head_stack", "head_eip", "new_thread_stack", "new_thread_eip")
"""Descriptor words that mean nothing to an engine with threads of its own."""


def differences(before: bytes, after: bytes, word_bytes: int) -> list[int]:
    """Offsets of the words that differ."""
    pairs = range(0, len(before), word_bytes)
    return [at for at in pairs if before[at : at + word_bytes] != after[at : at + word_bytes]]


def _is_taken(session: Session, slot: int) -> bool:
    return session.slots()[slot] != 0


# -- only fills -------------------------------------------------------------------------


@checks("ring.engine-only-fills")
@pytest.mark.parametrize("slots", [1, 3])
def test_an_event_changes_its_slot_and_the_kernel_index_and_nothing_else(
    rig: Rig, slots: int
) -> None:
    build = Build(0)
    build.words(*range(100, 108))
    build.ring(slots)
    build.words(*range(200, 208))
    atom = build.result(7, flags=Flag.ASYNC, label="atom")
    session = rig.load(build)
    for number, name in enumerate(FREE_FIELDS):
        session.set_word(Address("head", rig.abi.head_offsets[name]), 0x5A0 + number)
    at = session.layout.labels
    for count in range(2 * slots):
        before = sections(session)
        complete(rig, session, atom)
        wait_for_all(rig, session)
        after = sections(session)
        changed = differences(before["data"], after["data"], rig.abi.word_bytes)
        slot = at["ring"][1] + count % slots * rig.abi.word_bytes
        index = at["head"][1] + rig.abi.head_offsets["kernel_ring_idx"]
        expected = sorted([slot] if slots == 1 else [slot, index])
        assert changed == expected, f"words written: expected offsets {expected}, got {changed}"
        assert after["code"] == before["code"], "expected no byte of an atom written"
        session.consume()


@checks("ring.engine-only-fills")
def test_no_slot_is_ever_cleared_by_the_engine(rig: Rig) -> None:
    build = Build(3)
    queued = [build.result(1, flags=Flag.ASYNC) for _ in range(2)]
    cached = build.result(1, label="cached")
    [(pipe, blocked)] = readers(build, 1, Flag.NO_COMPLETE)
    session = rig.load(build)
    complete(rig, session, *queued)
    block(rig, session, blocked)
    for n in (0, 1, 2):
        assert_succeeded(rig, session.wait(n))
        assert session.exec(cached), "exec of umem_add: expected an address, got NULL"
        assert_slots(session, *queued, NULL)
    session.feed(pipe, b"x")
    wait_for_all(rig, session)
    assert_slots(session, *queued, NULL)


@checks("ring.engine-only-fills", "ring.never-overwrites")
def test_what_the_program_puts_into_slots_stays(rig: Rig) -> None:
    """A word that is no atom's address is as good as an entry: the slot is taken."""
    build = Build(3)
    first, second = (build.result(1, flags=Flag.ASYNC) for _ in range(2))
    session = rig.load(build)
    word = Address("ring", rig.abi.word_bytes)
    session.set_word(word, 3)
    complete(rig, session, first)
    wait_for_all(rig, session)
    assert_null(rig, session.exec(second))
    got = [session.wait(4) for _ in range(3)]
    reported = sum(rig.is_error(each) for each in got)
    assert reported == 1, f"three waits after a loss: expected one error, got {reported}"
    assert session.slots() == [session.address(first), 3, 0], f"ring: got {session.slots()}"


@checks("ring.engine-only-fills", "ring.cached-not-queued")
def test_cached_syslets_write_nothing_but_what_they_were_told(rig: Rig) -> None:
    build = Build(2)
    count = build.word(label="count")
    atom = build.add(count, ret=build.word(label="got"), label="atom")
    session = rig.load(build)
    for turn in range(1, 4):
        before = sections(session)["data"]
        assert session.exec(atom), "exec of umem_add: expected an address, got NULL"
        wait_for_all(rig, session)
        changed = differences(before, sections(session)["data"], rig.abi.word_bytes)
        expected = sorted(session.layout.labels[label][1] for label in ("count", "got"))
        assert changed == expected, f"words written: expected offsets {expected}, got {changed}"
        assert_words(session, count=turn, got=turn)


# -- effects first ----------------------------------------------------------------------


@checks("ring.effects-before-entry")
@pytest.mark.parametrize("way", ["flag", "cachemiss"])
def test_whoever_sees_the_entry_sees_all_that_the_syslet_wrote(rig: Rig, way: str) -> None:
    build = Build(1)
    pipe, into = build.pipe(), build.buffer(4, label="into")
    words = [build.word(label=f"word{i}") for i in range(16)]
    got = build.word(label="last_result")
    last = build.add(words[-1], 1000, ret=got, label="last")
    for word in reversed(words[:-1]):
        last = build.add(word, 1000, next=last)
    flags = Flag.ASYNC if way == "flag" else Flag(0)
    first = build.read(pipe, 4, into=into, flags=flags, next=last)
    session = rig.load(build)
    for turn in range(1, 11):
        block(rig, session, first)
        data = f"{turn:04}".encode()
        session.feed(pipe, data)
        rig.until(lambda: session.slots()[0] != 0, "the entry")
        seen = session.engine.read(session.address("into"), 4)
        assert seen == data, f"buffer at the entry: expected {data!r}, got {seen!r}"
        expected = {f"word{i}": 1000 * turn for i in range(16)}
        assert_words(session, **expected, last_result=1000 * turn)
        session.consume()
    wait_for_all(rig, session)


@checks("ring.effects-before-entry")
def test_the_last_result_is_stored_before_the_entry(rig: Rig) -> None:
    build = Build(4)
    pipe = build.pipe()
    got = [build.word(-1, label=f"got{i}") for i in range(4)]
    atoms = [build.read(pipe, ret=word, flags=Flag.ASYNC) for word in got]
    session = rig.load(build)
    block(rig, session, *atoms)
    for count in range(1, 5):
        session.feed(pipe, b"x")
        rig.until(partial(_is_taken, session, count - 1), "an entry")
        number = [session.address(atom) for atom in atoms].index(session.slots()[count - 1])
        assert_words(session, **{f"got{number}": 1})
    wait_for_all(rig, session)


# -- hands over -------------------------------------------------------------------------


def _hostage_build() -> Build:
    """A syslet ``start`` in a section of its own between others, and one beside it."""
    build = Build(4)
    build.word(label="count")
    build.add(Address("count"), 100, flags=Flag.ASYNC, label="other")
    build.section("gone")
    return build


@checks("ring.hands-over")
@pytest.mark.parametrize("fate", ["unmapped", "overwritten"])
@pytest.mark.parametrize("way", ["flag", "cachemiss", "cached"])
def test_a_syslet_that_is_over_may_be_gone_at_once(rig: Rig, way: str, fate: str) -> None:
    build = _hostage_build()
    pipe = build.pipe()
    flags = Flag.ASYNC if way == "flag" else Flag(0)
    second = Address("second")
    if way == "cached":
        start = build.add(Address("count"), flags=flags, next=second, label="start")
    else:
        start = build.read(pipe, flags=flags, next=second, label="start")
    build.add(Address("count"), label="second")
    build.code.append(Buffer("rest", 16))
    build.section("behind")
    build.code.append(Buffer("wall", 16))
    session = rig.load(build)
    word = session.exec(start)
    if way == "cached":
        assert word, "exec of umem_add: expected an address, got NULL"
    else:
        assert_null(rig, word)
        session.feed(pipe, b"x")
        rig.until(lambda: session.slots()[0] != 0, "the entry")
    garbage = bytes([0xA5]) * len(sections(session)["gone"])
    if fate == "unmapped":
        session.unmap("gone")
    else:
        session.write("gone", garbage)
    wait_for_all(rig, session)
    complete(rig, session, Address("other"))
    wait_for_all(rig, session)
    assert_words(session, count=101 if way != "cached" else 102)
    if fate == "overwritten":
        left = sections(session)["gone"]
        assert left == garbage, "expected nothing written into the memory that was handed over"


@checks("ring.hands-over")
def test_a_syslet_may_be_rewritten_and_submitted_again_at_its_entry(rig: Rig) -> None:
    build = Build(1)
    count, inc = build.word(label="count"), build.word(1, label="inc")
    pipe = build.pipe()
    end = build.atom("umem_add", build.word(count), inc, label="end")
    start = build.read(pipe, next=end, label="start")
    session = rig.load(build)
    flags = Address("start", rig.abi.atom_offsets["flags"])
    total = 0
    for turn in range(1, 9):
        block(rig, session, start)
        session.feed(pipe, b"x")
        rig.until(lambda: session.slots()[0] != 0, "the entry")
        total += turn
        assert_words(session, count=total)
        session.consume()
        session.set_word("inc", turn + 1)
        if rig.abi.atom_offsets["nr"] == rig.abi.word_bytes:
            session.set_word(flags, int(Flag.ASYNC) if turn % 2 else 0)
    wait_for_all(rig, session)
