"""Area arguments: what is fetched, and where the result goes."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig

UNREADABLE = 8
"""An address in the first page, which no engine maps."""


@checks("arg.by-pointer", "arg.shared-variable", "result.stored")
@pytest.mark.usefixtures("mode")
def test_a_later_atom_sees_what_an_earlier_one_left_in_a_shared_variable(rig: Rig) -> None:
    build = Build()
    x, y = build.word(5, label="x"), build.word(100, label="y")
    first = build.add(x, 2, next=Address("second"))
    build.atom("umem_add", build.word(y), x, ret=build.word(label="got"), label="second")
    session, _ = rig.run(build, first)
    assert (session.word("x"), session.word("y"), session.word("got")) == (7, 107, 107)


@checks("arg.null-ends")
@pytest.mark.usefixtures("mode")
def test_pointers_after_the_first_null_are_not_dereferenced(rig: Rig) -> None:
    build = Build()
    x = build.word(1, label="x")
    args = (build.word(x), build.word(3), 0, UNREADABLE, UNREADABLE, UNREADABLE)
    session, _ = rig.run(build, build.atom("umem_add", *args))
    assert session.word("x") == 4


@checks("arg.packed-atom")
@pytest.mark.usefixtures("mode")
def test_a_packed_atom_runs_at_the_end_of_mapped_memory(rig: Rig) -> None:
    build = Build()
    x = build.word(1, label="x")
    build.section("last")
    atom = build.add(x, 3, packed=True)
    session, _ = rig.run(build, atom)
    assert session.word("x") == 4


@checks("arg.private-untouched")
@pytest.mark.usefixtures("mode")
def test_private_is_neither_a_seventh_argument_nor_written(rig: Rig) -> None:
    build = Build()
    x, zero = build.word(1, label="x"), build.word(0)
    args = (build.word(x), build.word(3), zero, zero, zero, zero)
    atom = build.atom("umem_add", *args, private=UNREADABLE)
    session, _ = rig.run(build, atom)
    assert session.word("x") == 4
    place = rig.abi.atom_offsets["private"]
    assert session.word(session.address(atom) + place) == UNREADABLE


@checks("result.unknown-syscall")
@pytest.mark.usefixtures("mode")
def test_an_unknown_call_gives_enosys_and_the_chain_goes_on(rig: Rig) -> None:
    build = Build()
    got, reached = build.word(label="got"), build.word(label="reached")
    first = build.atom(0x7FFF, ret=got, next=Address("second"))
    build.add(reached, 1, label="second")
    session, _ = rig.run(build, first)
    assert (session.word("got"), session.word("reached")) == (-38, 1)


@checks("arg.all-six", "fault.argument")
@pytest.mark.usefixtures("mode")
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


@checks("result.negative-errno")
@pytest.mark.usefixtures("mode")
def test_a_failing_call_gives_its_negative_errno(rig: Rig) -> None:
    build = Build()
    got, buffer = build.word(label="got"), build.buffer(8)
    bad_descriptor = build.word(1 << 20)
    atom = build.atom("read", bad_descriptor, build.word(buffer), build.word(1), ret=got)
    session, _ = rig.run(build, atom)
    assert session.word("got") == -9, f"expected -9 (EBADF), got {session.word('got')}"
