"""Area arguments: where the result goes."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import Address, Words
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.memory import COMPLETION, assert_untouched, sections
from syslet_conformance.suite.steps import assert_words, await_end, block, finish_blocked
from syslet_layouts import Flag


@checks("result.stored")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", ["min", "-1", "0", "1", "max", "low-half", "high-half"])
def test_a_result_is_stored_as_one_whole_word(rig: Rig, result: str) -> None:
    abi = rig.abi
    half_bits = 4 * abi.word_bytes
    named = {
        "min": abi.word_min,
        "max": abi.word_max,
        "low-half": (1 << half_bits) - 2,
        "high-half": 0x55 << half_bits,
    }
    value = named[result] if result in named else int(result)
    build = Build()
    build.words(0x1234, ~value, -0x1234, label="around")
    atom = build.result(value, ret=Address("around", abi.word_bytes))
    session, _ = rig.run(build, atom)
    got = [abi.signed(word) for word in session.words("around", 3)]
    expected = [0x1234, value, -0x1234]
    assert got == expected, f"around: expected {expected}, got {got}"


@checks("result.stored")
@pytest.mark.both_modes
def test_the_result_of_a_read_that_blocked_is_stored(rig: Rig) -> None:
    build = Build()
    pipe = build.pipe()
    first = build.read(pipe, 5, ret=build.word(-7, label="got"), label="first")
    session = rig.load(build, first)
    block(rig, session, first)
    assert_words(session, got=-7)
    session.feed(pipe, b"abc")
    await_end(rig, session)
    assert_words(session, got=3)


@checks("result.stored")
@pytest.mark.both_modes
def test_atoms_that_share_a_ret_ptr_leave_the_last_result(rig: Rig) -> None:
    build = Build()
    got = build.word(label="got")
    third = build.result(-3, ret=got)
    second = build.result(2, ret=got, next=third)
    first = build.result(1, ret=got, next=second)
    session, _ = rig.run(build, first)
    assert_words(session, got=-3)


@checks("result.stored")
@pytest.mark.both_modes
@pytest.mark.parametrize("where", ["the-target", "the-increment", "its-address"])
def test_ret_ptr_may_be_a_word_of_the_atoms_own_arguments(rig: Rig, where: str) -> None:
    build = Build()
    x = build.word(1, label="x")
    target, inc = build.word(x, label="target"), build.word(3, label="inc")
    ret = {"the-target": x, "the-increment": inc, "its-address": target}[where]
    session, _ = rig.run(build, build.atom("umem_add", target, inc, ret=ret))
    assert_words(session, **({"x": 4} | {ret.label: 4}))


@checks("result.stored")
@pytest.mark.both_modes
def test_ret_ptr_may_be_the_last_word_of_a_mapping(rig: Rig) -> None:
    build = Build()
    first = build.result(-5, ret=Address("got"))
    build.section("last")
    build.code += [Words("before", (0x1234,)), Words("got", (0,))]
    session, _ = rig.run(build, first)
    assert_words(session, before=0x1234, got=-5)


@checks("result.stored")
@pytest.mark.both_modes
@pytest.mark.parametrize("flag", ["STOP_ON_NEGATIVE", "NO_COMPLETE"])
def test_the_last_atom_of_a_syslet_stores_its_result_too(rig: Rig, flag: str) -> None:
    build = Build()
    got = build.word(label="got")
    first = build.result(1, next=Address("last"), label="first")
    build.result(-5, ret=got, flags=Flag[flag], label="last")
    session, _ = rig.run(build, first)
    assert_words(session, got=-5)


@checks("result.null-ret-ptr")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", [-1, 0, 1, 0x1234])
def test_a_result_with_no_ret_ptr_is_written_nowhere(rig: Rig, result: int) -> None:
    build = Build()
    got = build.word(-7, label="got")
    build.result(result, next=Address("stores"), label="first")
    build.result(9, ret=got, next=Address("last"), label="stores")
    build.result(result, label="last")
    session = rig.load(build, Address("first"))
    before = sections(session)
    ran = rig.finish(session, Address("first"))
    assert_words(session, got=9)
    assert_untouched(session, before, "memory", *COMPLETION, "got")
    rig.assert_ended_at(session, ran, Address("last"))


@checks("result.null-ret-ptr")
@pytest.mark.both_modes
def test_a_blocked_read_with_no_ret_ptr_writes_its_buffer_alone(rig: Rig) -> None:
    build = Build()
    pipe = build.pipe()
    first = build.read(pipe, 8, into=build.buffer(8, label="into"), label="first")
    session = rig.load(build, first)
    before = sections(session)
    finish_blocked(rig, session, first, pipe)
    assert_untouched(session, before, "memory", *COMPLETION, "into")
    data = rig.engine.read(session.address("into"), 8)
    assert data == b"x" + bytes(7), f"into: expected b'x' and zeros, got {data!r}"


@checks("result.null-ret-ptr")
@pytest.mark.both_modes
@pytest.mark.parametrize("flag", [None, "STOP_ON_NEGATIVE", "STOP_ON_NONZERO"])
def test_a_null_ret_ptr_is_no_fault_and_the_flags_see_the_result(
    rig: Rig, flag: str | None
) -> None:
    build = Build()
    reached = build.word(label="reached")
    flags = Flag[flag] if flag else 0
    first = build.result(1, flags=flags, next=Address("last"), label="first")
    last = build.add(reached, label="last")
    session, ran = rig.run(build, first)
    stops = flag == "STOP_ON_NONZERO"
    assert_words(session, reached=0 if stops else 1)
    rig.assert_ended_at(session, ran, first if stops else last)
