"""Area arguments: parameters are the words that pointers point to, which atoms may share."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Value, Words
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import assert_drained, assert_words, await_end, block

# -- parameters by pointer --------------------------------------------------------------


@checks("arg.by-pointer")
@pytest.mark.both_modes
def test_each_parameter_is_the_word_in_its_own_position(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    into = build.buffer(8, label="into")
    session, _ = rig.run(build, build.write(pipe, b"data", ret=got))
    assert_words(session, got=4)
    assert_drained(session, pipe, b"data")
    build = Build()
    pipe, got, into = build.pipe(), build.word(label="got"), build.buffer(8, label="into")
    reads = build.read(pipe, 3, into=into, ret=got)
    session = rig.load(build, reads)
    session.feed(pipe, b"data")
    rig.finish(session, reads)
    assert_words(session, got=3)
    data = rig.engine.read(session.address("into"), 8)
    assert data == b"dat" + bytes(5), f"into: expected b'dat' and zeros, got {data!r}"


@checks("arg.by-pointer")
@pytest.mark.both_modes
def test_a_parameter_is_passed_in_full_width(rig: Rig) -> None:
    abi = rig.abi
    values = (0, 1, -1, abi.word_min, abi.word_max, 0x80, -0x81, 0x8000, abi.word_max // 3)
    build = Build()
    sums = [build.word(label=f"sum{index}") for index in range(len(values))]
    following: Value = NULL
    for target, value in zip(sums, values, strict=True):
        following = build.add(target, value, next=following)
    assert isinstance(following, Address)
    session, _ = rig.run(build, following)
    assert_words(session, **{f"sum{index}": value for index, value in enumerate(values)})


@checks("arg.by-pointer")
@pytest.mark.both_modes
def test_a_word_is_read_when_the_atom_runs_and_not_when_the_syslet_is_submitted(rig: Rig) -> None:
    build = Build()
    pipe, x, y = build.pipe(), build.word(label="x"), build.word(label="y")
    target, inc = build.word(x, label="target"), build.word(3, label="inc")
    first = build.read(pipe, next=Address("adds"), label="first")
    build.atom("umem_add", target, inc, label="adds")
    session = rig.load(build, first)
    block(rig, session, first)
    session.set_word("target", y)
    session.set_word("inc", 0x1234)
    session.feed(pipe, b"x")
    await_end(rig, session)
    assert_words(session, x=0, y=0x1234)


@checks("arg.by-pointer", "arg.shared-variable")
@pytest.mark.both_modes
def test_a_blocked_read_may_fill_the_word_that_the_next_atom_is_given(rig: Rig) -> None:
    build = Build()
    pipe, x = build.pipe(), build.word(1, label="x")
    inc, size = build.word(label="inc"), rig.abi.word_bytes
    first = build.read(pipe, size, into=inc, next=Address("adds"), label="first")
    build.atom("umem_add", build.word(x), inc, label="adds")
    session = rig.load(build, first)
    block(rig, session, first)
    session.feed(pipe, (0x1234).to_bytes(size, rig.abi.byteorder))
    await_end(rig, session)
    assert_words(session, x=0x1235)


@checks("arg.by-pointer")
@pytest.mark.both_modes
def test_an_atom_may_change_the_address_that_a_later_one_passes(rig: Rig) -> None:
    build = Build()
    build.words(10, 20, label="pair")
    target = build.word(Address("pair"), label="target")
    first = build.add(target, rig.abi.word_bytes, next=Address("adds"), label="first")
    build.atom("umem_add", target, build.word(5), label="adds")
    session, _ = rig.run(build, first)
    got = session.words("pair", 2)
    assert got == [10, 25], f"pair: expected [10, 25], got {got}"


@checks("arg.by-pointer")
@pytest.mark.both_modes
def test_a_parameter_may_be_the_last_word_of_a_mapping(rig: Rig) -> None:
    build = Build()
    x = build.word(1, label="x")
    atom = build.atom("umem_add", Address("target"), Address("inc"), label="adds")
    build.section("one")
    build.code.append(Words("target", (x,)))
    build.section("other")
    build.code += [Words("before", (-1,)), Words("inc", (6,))]
    session, _ = rig.run(build, atom)
    assert_words(session, x=7)


@checks("arg.by-pointer")
@pytest.mark.both_modes
def test_a_parameter_may_lie_in_an_atom(rig: Rig) -> None:
    build = Build()
    x = build.word(label="x")
    private = Address("adds", rig.abi.atom_offsets["private"])
    atom = build.atom("umem_add", build.word(x), private, private=0x1234, label="adds")
    session, _ = rig.run(build, atom)
    assert_words(session, x=0x1234)


# -- shared variables -------------------------------------------------------------------


@checks("arg.by-pointer", "arg.shared-variable", "result.stored")
@pytest.mark.both_modes
def test_a_later_atom_sees_what_an_earlier_one_left_in_a_shared_variable(rig: Rig) -> None:
    build = Build()
    x, y = build.word(5, label="x"), build.word(100, label="y")
    first = build.add(x, 2, next=Address("second"))
    build.atom("umem_add", build.word(y), x, ret=build.word(label="got"), label="second")
    session, _ = rig.run(build, first)
    assert_words(session, x=7, y=107, got=107)


@checks("arg.shared-variable")
@pytest.mark.both_modes
def test_a_chain_that_adds_a_variable_to_itself_doubles_it_each_time(rig: Rig) -> None:
    build = Build()
    x = build.word(3, label="x")
    target = build.word(x)
    following: Value = NULL
    for _ in range(6):
        following = build.atom("umem_add", target, x, next=following)
    assert isinstance(following, Address)
    session, _ = rig.run(build, following)
    assert_words(session, x=3 * 2**6)


@checks("arg.shared-variable")
@pytest.mark.both_modes
def test_one_word_may_be_two_parameters_of_one_atom(rig: Rig) -> None:
    build = Build()
    build.data.append(Words("itself", (Address("itself"),)))
    itself = Address("itself")
    session, _ = rig.run(build, build.atom("umem_add", itself, itself))
    doubled = rig.abi.unsigned(2 * session.address(itself))
    assert_words(session, itself=rig.abi.signed(doubled))


@checks("arg.shared-variable", "result.stored")
@pytest.mark.both_modes
def test_the_result_of_one_atom_is_a_parameter_of_the_next(rig: Rig) -> None:
    build = Build()
    x, y, shared = (build.word(label=label) for label in ("x", "y", "shared"))
    first = build.add(x, 0x1234, ret=shared, next=Address("second"))
    build.atom("umem_add", build.word(y), shared, label="second")
    session, _ = rig.run(build, first)
    assert_words(session, x=0x1234, shared=0x1234, y=0x1234)


@checks("arg.shared-variable")
@pytest.mark.both_modes
def test_a_syslet_sees_what_another_left_while_it_was_blocked(rig: Rig) -> None:
    build = Build()
    pipe, shared, y = build.pipe(), build.word(1, label="shared"), build.word(label="y")
    first = build.read(pipe, next=Address("adds"), label="first")
    build.atom("umem_add", build.word(y), shared, label="adds")
    other = build.add(shared, 9, label="other")
    session = rig.load(build, first)
    block(rig, session, first)
    word = session.exec(other)
    assert word == session.address(other), f"exec of umem_add: expected an address, got {word:#x}"
    session.feed(pipe, b"x")
    await_end(rig, session)
    assert_words(session, shared=10, y=10)
