"""Area arguments: six parameters at most, and private is none."""

from __future__ import annotations

from errno import EAGAIN

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Value
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.memory import COMPLETION, assert_untouched, sections
from syslet_conformance.suite.steps import (
    BAD_DESCRIPTOR,
    UNREADABLE,
    assert_drained,
    assert_words,
    finish_blocked,
)
from syslet_layouts import Flag


@checks("arg.all-six", "fault.argument")
@pytest.mark.both_modes
@pytest.mark.parametrize("unreadable", range(2, 6))
def test_a_pointer_up_to_the_sixth_that_cannot_be_read_stops_the_call(
    rig: Rig, unreadable: int
) -> None:
    build = Build()
    x, zero = build.word(1, label="x"), build.word(0)
    args = [build.word(x), build.word(3), zero, zero, zero, zero]
    atom = build.atom(
        "umem_add", *(UNREADABLE if i == unreadable else a for i, a in enumerate(args))
    )
    session = rig.load(build, atom)
    returned = session.exec(atom)
    if not returned:
        session.wait(1)
        session.consume()
    assert not returned or rig.is_error(returned), (
        f"exec: expected a negative errno or NULL, got {session.name(returned)}"
    )
    assert session.word("x") == 1, f"expected that the call is not made, got x = {session.word(x)}"


@checks("arg.all-six", "arg.private-untouched")
@pytest.mark.both_modes
@pytest.mark.parametrize("private", ["null", "unreadable", "all-ones", "a-variable", "itself"])
@pytest.mark.parametrize("given", [2, 6])
def test_private_is_no_argument_and_ends_nothing(rig: Rig, given: int, private: str) -> None:
    build = Build()
    x, zero = build.word(1, label="x"), build.word(0)
    values: dict[str, Value] = {
        "null": NULL,
        "unreadable": UNREADABLE,
        "all-ones": -1,
        "a-variable": x,
        "itself": Address("adds"),
    }
    args = (build.word(x), build.word(3), zero, zero, zero, zero)[:given]
    atom = build.atom("umem_add", *args, private=values[private], label="adds")
    session = rig.load(build, atom)
    before = sections(session)
    rig.finish(session, atom)
    assert_words(session, x=4)
    assert_untouched(session, before, "memory", *COMPLETION, "x")


@checks("arg.all-six")
@pytest.mark.both_modes
def test_a_call_of_six_parameters_is_given_each_in_its_position(rig: Rig) -> None:
    if not rig.has("splice", "call-of-six-parameters"):
        return
    build = Build()
    source, target = build.pipe(), build.pipe()
    got, none = build.word(label="got"), build.word(NULL)
    ends = Address(f"{source}.read"), Address(f"{target}.write")
    count, nonblock = build.word(3), build.word(2)
    first = build.atom("splice", ends[0], none, ends[1], none, count, nonblock, ret=got)
    session = rig.load(build, first)
    session.feed(source, b"data")
    rig.finish(session, first)
    assert_words(session, got=3)
    assert_drained(session, target, b"dat")
    assert_drained(session, source, b"a")
    rig.finish(session, first)
    assert_words(session, got=-EAGAIN)


@checks("arg.private-untouched")
@pytest.mark.both_modes
def test_private_outlasts_a_block_a_failure_and_a_result(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    place = rig.abi.atom_offsets["private"]
    first = build.read(pipe, ret=got, private=0x1234, next=Address("fails"), label="first")
    bad = build.word(BAD_DESCRIPTOR)
    build.atom("close", bad, private=-2, ret=got, next=Address("stops"), label="fails")
    build.result(0, flags=Flag.STOP_ON_ZERO, private=UNREADABLE, label="stops")
    session = rig.load(build, first)
    finish_blocked(rig, session, first, pipe)
    for label, expected in (("first", 0x1234), ("fails", -2), ("stops", UNREADABLE)):
        got_private = session.word(Address(label, place))
        assert got_private == expected, (
            f"private of {label}: expected {expected}, got {got_private}"
        )


@checks("arg.private-untouched")
@pytest.mark.both_modes
def test_no_byte_of_an_atom_is_written(rig: Rig) -> None:
    build = Build()
    pipe, got, x = build.pipe(), build.word(label="got"), build.word(label="x")
    into = build.buffer(1, label="into")
    first = build.read(pipe, into=into, ret=got, private=-1, next=Address("second"))
    build.add(x, ret=got, private=-2, flags=Flag.STOP_ON_ZERO, label="second")
    session = rig.load(build, first)
    before = sections(session)
    finish_blocked(rig, session, first, pipe)
    assert_untouched(session, before, "memory", *COMPLETION, "got", "x", "into")
