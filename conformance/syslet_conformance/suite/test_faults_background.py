"""Area faults: what a syslet meets after it went asynchronous."""

from __future__ import annotations

import pytest

from syslet_conformance.program import NULL, Address, Buffer, Value
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.hostile import (
    SLOTS,
    add_of_six,
    assert_ended,
    assert_error,
    assert_lives,
    assert_word,
    end_of_memory,
    hostile_build,
    put_at_end,
    set_field,
    unmapped,
)
from syslet_conformance.suite.steps import (
    ROUND_TRIPS,
    UNREADABLE,
    assert_still_blocked,
    assert_succeeded,
    block,
)
from syslet_layouts import Flag

BACKGROUND_FAULTS = (
    "next in the first page",
    "next right after a mapping",
    "next in an unmapped section",
    "next cut off",
    "stride off the mapping",
    "argument of the next",
    "argument across the end",
)
"""What an asynchronous syslet comes to; each lies one atom after the one that went there."""


def _went_async(rig: Rig, by: str, fault: str) -> tuple[Session, str]:
    """``first`` goes asynchronous, and then meets `fault`. ``after`` is where nothing leads."""
    build = hostile_build()
    abi = rig.abi
    pipe, got = build.pipe(), build.word(label="got")
    count, after = build.word(label="count"), build.word(label="after")
    bad: dict[str, Value] = {
        **{f"next {where}": place for where, place in unmapped(abi).items()},
        "next cut off": NULL,
    }
    following = bad.get(fault, Address("second"))
    if by == "flag":
        build.add(got, flags=Flag.ASYNC, next=following, label="first")
    else:
        build.read(pipe, ret=got, next=following, label="first")
    place = Address("edge", 1 if fault == "argument across the end" else abi.word_bytes)
    args = [build.word(count), build.word(1), place]
    build.atom("umem_add", *args, next=Address("third"), label="second")
    build.add(after, label="third")
    add_of_six(build, count, "model", next=Address("third"))
    end_of_memory(build, abi.atom_size)
    session = rig.load(build)
    session.unmap("gone")
    if fault == "next cut off":
        cut = put_at_end(session, "model", abi.atom_offsets["arg_ptr[4]"])
        set_field(session, "first", "next", cut)
    if fault == "stride off the mapping":
        data = rig.engine.read(session.address("third"), abi.atom_size)
        session.write("end", data)
        flags = Flag.STOP_ON_NONZERO | Flag.SKIP_TO_NEXT_ON_STOP
        place_of_flags = abi.atom_places[0].size_bytes
        session.write("end", int(flags).to_bytes(place_of_flags, abi.byteorder))
        set_field(session, "first", "next", Address("end"))
    return session, pipe


@checks("fault.after-async")
@pytest.mark.parametrize("by", ["flag", "read"])
@pytest.mark.parametrize("fault", BACKGROUND_FAULTS)
def test_a_syslet_that_meets_a_fault_after_it_went_asynchronous_ends(
    rig: Rig, fault: str, by: str
) -> None:
    session, pipe = _went_async(rig, by, fault)
    for turn in range(1, 3):
        block(rig, session, Address("first"))
        if by == "read":
            session.feed(pipe, b"x")
        assert_ended(rig, session, NULL, fault)
        assert_word(session, "got", turn if by == "flag" else 1, "before the fault")
        assert_word(session, "count", 0, "the call that could not be made")
        stride = fault == "stride off the mapping"
        assert_word(session, "after", turn if stride else 0, "after the fault")
        assert_lives(rig, session, fault)
    assert_lives(rig, session, fault, "head")


@checks("fault.after-async")
@pytest.mark.parametrize(
    "fault", ["next in the first page", "next cut off", "argument of the next"]
)
def test_a_wait_that_blocks_ends_with_the_syslet_that_meets_a_fault(rig: Rig, fault: str) -> None:
    session, pipe = _went_async(rig, "read", fault)
    block(rig, session, Address("first"))
    call = session.start_wait(SLOTS)
    assert_still_blocked(session, call, "a syslet is pending")
    session.feed(pipe, b"x")
    call.join()
    assert_ended(rig, session, NULL, fault)
    assert_lives(rig, session, fault, "head")


@checks("fault.after-async")
@pytest.mark.both_modes
def test_a_background_ret_ptr_that_cannot_be_written_ends_the_syslet_at_the_latest(
    rig: Rig,
) -> None:
    build = hostile_build()
    pipe, after = build.pipe(), build.word(label="after")
    place = Address("edge", rig.abi.word_bytes)
    first = build.read(pipe, ret=place, next=Address("second"), label="first")
    build.add(after, label="second")
    session = rig.load(build, first)
    block(rig, session, first)
    session.feed(pipe, b"x")
    assert_ended(rig, session, NULL, "ret_ptr")
    assert session.word("after") in (0, 1), f"after: expected 0 or 1, got {session.word('after')}"
    assert_lives(rig, session, "ret_ptr", "head")


@checks("fault.after-async")
def test_a_fault_of_one_syslet_ends_no_other_one(rig: Rig) -> None:
    build = hostile_build()
    faulty_pipe, pipe = build.pipe(), build.pipe()
    faulty = build.read(faulty_pipe, next=UNREADABLE, label="faulty")
    other = build.read(pipe, into=build.buffer(8, label="into"), label="other")
    session = rig.load(build)
    block(rig, session, faulty, other)
    session.feed(faulty_pipe, b"x")
    call = session.start_wait(3)
    for _ in range(ROUND_TRIPS):
        session.index("kernel_ring_idx")
    if call.returned:
        # The fault may be reported by a wait, once.
        assert_error(rig, session, call.join(), "wait with a syslet pending")
        call = session.start_wait(3)
    assert_still_blocked(session, call, "the other syslet is pending")
    session.feed(pipe, b"y")
    call.join()
    entries = [session.name(entry) for entry in session.consume()]
    assert entries.count("&other") == 1, f"expected one entry &other, got {entries}"
    assert len(entries) <= 2, f"expected at most 2 entries, got {entries}"
    data = rig.engine.read(session.address("into"), 1)
    assert data == b"y", f"into: expected b'y', got {data!r}"
    assert_lives(rig, session, "the fault", "head")


@checks("fault.after-async")
def test_many_background_faults_leave_nothing_behind(rig: Rig) -> None:
    build = hostile_build(64)
    pipe = build.pipe()
    faulty = build.read(pipe, next=UNREADABLE, label="faulty")
    session = rig.load(build)
    for _ in range(3):
        block(rig, session, *[faulty] * 16)
        session.feed(pipe, b"x" * 16)
        for _ in range(17):
            if not rig.is_error(session.wait(64)):
                break
        entries = session.consume()
        assert len(entries) <= 16, f"expected at most 16 entries, got {len(entries)}"
    assert_succeeded(rig, session.wait(64))
    assert_lives(rig, session, "48 faults", "head")


WHILE_BLOCKED = {
    "the next atom": {"next": Address("gone")},
    "the buffer of the read": {"arg_ptr[1]": Address("buffer_in_gone")},
    "the word of the result": {"ret_ptr": Address("gone")},
    "an argument of the next atom": {"next": Address("second")},
}
"""What lies in the section that is unmapped while the read blocks: fields of the read."""


@checks("fault.after-async")
@pytest.mark.parametrize("what", WHILE_BLOCKED)
@pytest.mark.both_modes
def test_memory_unmapped_under_a_blocked_syslet_ends_it_at_the_latest(rig: Rig, what: str) -> None:
    build = hostile_build()
    pipe, count = build.pipe(), build.word(label="count")
    build.word(Address("gone"), label="buffer_in_gone")
    first = build.read(pipe, label="first")
    build.atom("umem_add", build.word(count), Address("gone"), label="second")
    session = rig.load(build, first)
    for field, place in WHILE_BLOCKED[what].items():
        set_field(session, "first", field, place)
    block(rig, session, first)
    session.unmap("gone")
    session.feed(pipe, b"x")
    assert_ended(rig, session, NULL, what)
    assert_word(session, "count", 0, what)
    assert_lives(rig, session, what, "head")


@checks("fault.after-async")
@pytest.mark.both_modes
def test_an_atom_unmapped_while_its_own_call_blocks_ends_at_the_latest(rig: Rig) -> None:
    build = hostile_build()
    pipe, got = build.pipe(), build.word(label="got")
    build.section("own")
    first = build.read(pipe, ret=got, label="first")
    build.section("rest")
    build.code.append(Buffer("rest_bytes", 8))
    session = rig.load(build, first)
    block(rig, session, first)
    session.unmap("own")
    session.feed(pipe, b"x")
    assert_ended(rig, session, NULL, "the blocked atom unmapped")
    assert session.word("got") in (0, 1), f"got: expected 0 or 1, got {session.word('got')}"
    assert_lives(rig, session, "the blocked atom unmapped", "head")
