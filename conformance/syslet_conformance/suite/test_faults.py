"""Area faults: atoms, arguments and results in memory that is not there."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Value
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.hostile import (
    add_of_six,
    assert_ended,
    assert_error,
    assert_lives,
    assert_refused,
    assert_word,
    cuts,
    end_of_memory,
    hostile_build,
    memory,
    put_at_end,
    set_field,
    unmapped,
    unreadable_words,
)
from syslet_conformance.suite.memory import assert_untouched
from syslet_conformance.suite.steps import (
    UNREADABLE,
    assert_drained,
    assert_slots,
    assert_still_blocked,
    assert_succeeded,
    block,
)
from syslet_layouts import ARGUMENTS, Flag

UNMAPPED = ("in the first page", "right after a mapping", "in an unmapped section")
"""The keys of `unmapped`."""


# -- the first atom ---------------------------------------------------------------------


@checks("fault.first-atom")
@pytest.mark.parametrize("where", ["NULL", *UNMAPPED])
def test_exec_of_an_atom_at_which_nothing_lies_is_refused(rig: Rig, where: str) -> None:
    session = rig.load(hostile_build())
    session.unmap("gone")
    atom: Value = NULL if where == "NULL" else unmapped(rig.abi)[where]
    before = memory(session)
    for _ in range(3):
        assert_refused(rig, session, session.exec(atom), where)
        assert_untouched(session, before, where)
    assert_lives(rig, session, f"an atom {where}", "head")


@checks("fault.first-atom", "fault.after-async")
@pytest.mark.both_modes
def test_a_first_atom_that_is_cut_off_before_its_first_null_is_refused(rig: Rig) -> None:
    build = hostile_build()
    model = add_of_six(build, build.word(1, label="x"), "model")
    end_of_memory(build, rig.abi.atom_size)
    session = rig.load(build, model)
    flags_bytes = rig.abi.atom_places[0].size_bytes
    for what, count in cuts(rig.abi):
        atom = put_at_end(session, "model", count)
        before = memory(session)
        word = session.exec(atom)
        if rig.is_async and word == NULL and count >= flags_bytes:
            # An engine may read the flags alone before it goes asynchronous.
            assert_ended(rig, session, word, what)
        else:
            assert_refused(rig, session, word, what)
            assert_untouched(session, before, what)
        assert_word(session, "x", 1, what)
        assert_lives(rig, session, what)


@checks("fault.first-atom")
def test_flags_of_an_atom_that_is_cut_off_keep_no_exec_from_the_error(rig: Rig) -> None:
    build = hostile_build()
    x = build.word(1, label="x")
    stops = Flag.STOP_ON_NONZERO | Flag.STOP_ON_NEGATIVE
    flags = (Flag.SYNC, Flag.NO_COMPLETE, stops, stops | Flag.SKIP_TO_NEXT_ON_STOP)
    for index, each in enumerate(flags):
        add_of_six(build, x, f"model{index}", flags=each, next=Address("good"))
    end_of_memory(build, rig.abi.atom_size)
    session = rig.load(build)
    for index, each in enumerate(flags):
        atom = put_at_end(session, f"model{index}", rig.abi.atom_offsets["arg_ptr[2]"])
        before = memory(session)
        assert_refused(rig, session, session.exec(atom), repr(each))
        assert_untouched(session, before, repr(each))
        assert_word(session, "alive", 0, repr(each))


@checks("fault.first-atom")
def test_a_refused_first_atom_leaves_a_pending_syslet_and_the_entries_alone(rig: Rig) -> None:
    build = hostile_build()
    pipe = build.pipe()
    reads = build.read(pipe, label="reads")
    session = rig.load(build)
    block(rig, session, reads, Address("good_async"))
    rig.until(lambda: session.slots()[0] != 0, "the entry of an ASYNC syslet")
    before = memory(session)
    for atom in (NULL, UNREADABLE, Address("edge", rig.abi.word_bytes)):
        assert_error(rig, session, session.exec(atom), "exec")
    assert_untouched(session, before, "refused")
    call = session.start_wait(2)
    assert_still_blocked(session, call, "a syslet is pending")
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, Address("good_async"), reads, 0, 0)


# -- a later atom -----------------------------------------------------------------------


def _chain(build: Build, length: int, last: Value) -> Address:
    """``step0`` to the last: each adds 1 to ``count``, and the last one goes on at `last`."""
    count = build.word(label="count")
    for index in range(length):
        following = last if index == length - 1 else Address(f"step{index + 1}")
        build.add(count, next=following, label=f"step{index}")
    return Address("step0")


@checks("fault.later-atom")
@pytest.mark.parametrize("length", [1, 4], ids=["2nd", "5th"])
@pytest.mark.parametrize("where", UNMAPPED)
def test_a_chain_that_comes_to_where_nothing_lies_is_an_error(
    rig: Rig, where: str, length: int
) -> None:
    build = hostile_build()
    first = _chain(build, length, unmapped(rig.abi)[where])
    session = rig.load(build)
    session.unmap("gone")
    for turn in range(1, 3):
        assert_refused(rig, session, session.exec(first), where)
        assert_word(session, "count", turn * length, "what ran before the fault")
        assert_slots(session, 0, 0, 0, 0)
    assert_lives(rig, session, "the fault", "head")


@checks("fault.later-atom")
@pytest.mark.parametrize("length", [1, 4], ids=["2nd", "5th"])
def test_a_chain_that_comes_to_an_atom_cut_off_before_its_first_null_is_an_error(
    rig: Rig, length: int
) -> None:
    build = hostile_build()
    first = _chain(build, length, NULL)
    add_of_six(build, build.word(1, label="x"), "model")
    end_of_memory(build, rig.abi.atom_size)
    session = rig.load(build)
    for turn, (what, count) in enumerate(cuts(rig.abi), 1):
        set_field(session, f"step{length - 1}", "next", put_at_end(session, "model", count))
        assert_refused(rig, session, session.exec(first), what)
        assert_word(session, "count", turn * length, what)
        assert_word(session, "x", 1, what)
        assert_slots(session, 0, 0, 0, 0)
    assert_lives(rig, session, "the faults", "head")


@checks("fault.later-atom")
@pytest.mark.parametrize("packed", [False, True], ids=["full", "packed"])
def test_a_stride_that_leads_off_the_mapping_is_an_error(rig: Rig, packed: bool) -> None:
    build = hostile_build()
    x = build.word(label="x")
    build.section("last")
    stopping = Flag.STOP_ON_NONZERO | Flag.SKIP_TO_NEXT_ON_STOP
    first = build.add(x, flags=stopping, next=Address("good"), packed=packed, label="first")
    session = rig.load(build)
    assert_refused(rig, session, session.exec(first), "the stride")
    assert_word(session, "x", 1, "the atom before the stride")
    assert_word(session, "alive", 0, "next, which a stop ignores")
    assert_slots(session, 0, 0, 0, 0)
    assert_lives(rig, session, "the fault", "head")


@checks("fault.later-atom")
def test_results_and_data_of_before_the_fault_stay(rig: Rig) -> None:
    build = hostile_build()
    pipe, got = build.pipe(), build.word(label="got")
    first = build.write(pipe, b"done", ret=got, next=Address("adds"), label="first")
    build.add(got, 10, next=UNREADABLE, label="adds")
    session = rig.load(build)
    assert_refused(rig, session, session.exec(first), "next in the first page")
    assert_word(session, "got", 14, "the result")
    assert_drained(session, pipe, b"done")


@checks("fault.later-atom")
def test_an_atom_unmapped_while_the_caller_blocks_before_it_is_an_error(rig: Rig) -> None:
    build = hostile_build()
    pipe, got = build.pipe(), build.word(label="got")
    first = build.read(pipe, flags=Flag.SYNC, ret=got, next=Address("gone"), label="first")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    session.unmap("gone")
    session.feed(pipe, b"x")
    assert_refused(rig, session, call.join(), "next unmapped during a SYNC read")
    assert_word(session, "got", 1, "the read")
    assert_slots(session, 0, 0, 0, 0)
    assert_lives(rig, session, "the fault", "head")


# -- arguments --------------------------------------------------------------------------


@checks("fault.argument")
@pytest.mark.both_modes
@pytest.mark.parametrize("later", [False, True], ids=["first-atom", "later-atom"])
@pytest.mark.parametrize("position", range(ARGUMENTS))
def test_a_call_is_not_made_with_an_argument_that_cannot_be_read(
    rig: Rig, position: int, later: bool
) -> None:
    build = hostile_build()
    x, count = build.word(1, label="x"), build.word(label="count")
    adds = add_of_six(build, x, "adds")
    first = build.add(count, next=adds, label="first") if later else adds
    session = rig.load(build, first)
    session.unmap("gone")
    for turn, (where, place) in enumerate(unreadable_words(rig.abi).items(), 1):
        set_field(session, "adds", f"arg_ptr[{position}]", place)
        what = f"arg_ptr[{position}] {where}"
        assert_ended(rig, session, session.exec(first), what)
        assert_word(session, "x", 1, what)
        assert_word(session, "count", turn * later, what)
    assert_lives(rig, session, "the faults", "head")


@checks("fault.argument")
@pytest.mark.both_modes
@pytest.mark.parametrize("position", range(ARGUMENTS))
def test_nothing_is_written_into_a_pipe_for_an_argument_that_cannot_be_read(
    rig: Rig, position: int
) -> None:
    build = hostile_build()
    pipe, text = build.pipe(), build.word(build.text(b"data"))
    good = [Address(f"{pipe}.write"), text, build.word(4), *[build.word(0)] * 3]
    writes = build.atom("write", *good, label="writes")
    session = rig.load(build, writes)
    session.unmap("gone")
    for where, place in unreadable_words(rig.abi).items():
        set_field(session, "writes", f"arg_ptr[{position}]", place)
        what = f"arg_ptr[{position}] {where}"
        assert_ended(rig, session, session.exec(writes), what)
        assert_drained(session, pipe, b"", f"with {what}")
    set_field(session, "writes", f"arg_ptr[{position}]", good[position])
    rig.finish(session, writes)
    assert_drained(session, pipe, b"data", "with all six")


@checks("fault.argument")
@pytest.mark.both_modes
def test_a_read_is_not_made_with_an_argument_that_cannot_be_read(rig: Rig) -> None:
    build = hostile_build()
    pipe, into = build.pipe(), build.buffer(8, label="into")
    good = [Address(f"{pipe}.read"), build.word(into), build.word(4)]
    reads = build.atom("read", *good, Address("edge", rig.abi.word_bytes), label="reads")
    session = rig.load(build, reads)
    session.feed(pipe, b"data")
    assert_ended(rig, session, session.exec(reads), "a 4th argument after a mapping")
    data = rig.engine.read(session.address("into"), 8)
    assert data == bytes(8), f"into: expected nothing read, got {data!r}"
    assert_drained(session, pipe, b"data", "after a read that faulted")


# -- ret_ptr ----------------------------------------------------------------------------

STOPS_ON_EFAULT = {
    "STOP_ON_NONZERO": True,
    "STOP_ON_ZERO": False,
    "STOP_ON_NEGATIVE": True,
    "STOP_ON_NON_POSITIVE": True,
}
"""Whether each stop flag holds for -EFAULT."""


@checks("fault.ret-ptr")
@pytest.mark.both_modes
@pytest.mark.parametrize("flag", STOPS_ON_EFAULT)
def test_the_stop_flags_see_efault_where_the_result_cannot_be_stored(rig: Rig, flag: str) -> None:
    build = hostile_build()
    x, reached = build.word(label="x"), build.word(label="reached")
    first = build.add(x, flags=Flag[flag], next=Address("second"), label="first")
    second = build.add(reached, label="second")
    session = rig.load(build, first)
    session.unmap("gone")
    expected = 0
    for where, place in unreadable_words(rig.abi).items():
        set_field(session, "first", "ret_ptr", place)
        for result in (5, 0, -5):
            what = f"ret_ptr {where}, result {result}"
            session.set_word("x", result - 1)
            ran = rig.finish(session, first)
            expected += not STOPS_ON_EFAULT[flag]
            assert_word(session, "x", result, what)
            assert_word(session, "reached", expected, what)
            rig.assert_ended_at(session, ran, first if STOPS_ON_EFAULT[flag] else second)


@checks("fault.ret-ptr")
@pytest.mark.both_modes
@pytest.mark.parametrize("skip", [False, True], ids=["no-stop-flag", "skip-on-negative"])
def test_a_result_that_cannot_be_stored_is_no_end_of_the_syslet(rig: Rig, skip: bool) -> None:
    build = hostile_build()
    x, reached = build.word(label="x"), build.word(label="reached")
    after: Value = NULL if skip else Address("second")
    flags = Flag.STOP_ON_NEGATIVE | Flag.SKIP_TO_NEXT_ON_STOP if skip else 0
    place = Address("edge", rig.abi.word_bytes)
    first = build.add(x, flags=flags, ret=place, next=after, label="first")
    second = build.add(reached, label="second")
    session, ran = rig.run(build, first)
    assert_word(session, "x", 1, "the call")
    assert_word(session, "reached", 1, "the atom after it")
    rig.assert_ended_at(session, ran, second)


@checks("fault.ret-ptr")
@pytest.mark.both_modes
@pytest.mark.parametrize("ret", ["NULL", "the last word of a mapping"])
def test_a_result_that_need_not_or_can_be_stored_is_what_the_stop_flags_see(
    rig: Rig, ret: str
) -> None:
    build = hostile_build()
    x, reached = build.word(label="x"), build.word(label="reached")
    place: Value = NULL if ret == "NULL" else Address("edge")
    flags = Flag.STOP_ON_NON_POSITIVE
    first = build.add(x, flags=flags, ret=place, next=Address("second"), label="first")
    second = build.add(reached, label="second")
    session, ran = rig.run(build, first)
    assert_word(session, "reached", 1, f"ret_ptr {ret}")
    assert_word(session, "edge", int(ret != "NULL"), f"ret_ptr {ret}")
    rig.assert_ended_at(session, ran, second)
