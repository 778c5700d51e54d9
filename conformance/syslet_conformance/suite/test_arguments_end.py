"""Area arguments: the first NULL pointer ends the parameters, and the atom."""

from __future__ import annotations

from errno import EBADF, EFAULT

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Buffer, Value, Words
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.memory import COMPLETION, assert_untouched, sections
from syslet_conformance.suite.steps import (
    BAD_DESCRIPTOR,
    UNREADABLE,
    assert_drained,
    assert_words,
    finish_blocked,
)


def _call_of(build: Build, given: int) -> tuple[str, tuple[Address, ...]]:
    """A call of that many parameters, and pointers to them: getpid, close or umem_add of 3."""
    x, zero = build.word(1, label="x"), build.word(0)
    first = build.word(BAD_DESCRIPTOR) if given == 1 else build.word(x)
    name = {0: "getpid", 1: "close"}.get(given, "umem_add")
    return name, (first, build.word(3), zero, zero, zero)[:given]


def _assert_called(session: Session, given: int) -> None:
    """The call of `_call_of` was made: its result is in ``got``."""
    if given == 0:
        assert session.word("got") > 0, f"getpid: expected an id, got {session.word('got')}"
    else:
        assert_words(session, got=-EBADF if given == 1 else 4)
    assert_words(session, x=4 if given >= 2 else 1)


# -- where the list of parameters ends --------------------------------------------------


@checks("arg.null-ends")
@pytest.mark.both_modes
@pytest.mark.parametrize("given", range(6))
@pytest.mark.parametrize("behind", ["unreadable", "odd", "all-ones", "last-byte", "readable"])
def test_pointers_after_the_first_null_are_not_dereferenced(
    rig: Rig, given: int, behind: str
) -> None:
    build = Build()
    got = build.word(-7, label="got")
    name, args = _call_of(build, given)
    garbage: dict[str, Value] = {
        "unreadable": UNREADABLE,
        "odd": UNREADABLE + 1,
        "all-ones": -1,
        "last-byte": Address("end", rig.abi.word_bytes - 1),
        "readable": build.word(0x1234),
    }
    atom = build.atom(name, *args, NULL, *[garbage[behind]] * (5 - given), ret=got)
    build.section("edge")
    build.code.append(Buffer("end", rig.abi.word_bytes))
    session, _ = rig.run(build, atom)
    _assert_called(session, given)


@checks("arg.null-ends")
@pytest.mark.both_modes
def test_a_readable_pointer_after_the_first_null_is_not_passed(rig: Rig) -> None:
    build = Build()
    x = build.word(1, label="x")
    session, _ = rig.run(build, build.atom("umem_add", build.word(x), NULL, build.word(0x1234)))
    got = session.word("x")
    assert got != 0x1235, f"x: expected what lies behind NULL not to be added, got {got}"


@checks("arg.null-ends")
@pytest.mark.both_modes
def test_a_pointer_to_a_word_that_is_0_ends_nothing(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    args = Address(f"{pipe}.read"), build.word(NULL), build.word(1)
    first = build.atom("read", *args, ret=got)
    session = rig.load(build, first)
    session.feed(pipe, b"x")
    rig.finish(session, first)
    assert_words(session, got=-EFAULT)


# -- packed atoms -----------------------------------------------------------------------


@checks("arg.packed-atom")
@pytest.mark.both_modes
@pytest.mark.parametrize("given", range(6))
@pytest.mark.parametrize("behind", ["unmapped", "ones", "zeros"])
def test_an_atom_is_cut_off_after_its_first_null_pointer(rig: Rig, given: int, behind: str) -> None:
    build = Build()
    got = build.word(-7, label="got")
    name, args = _call_of(build, given)
    build.section("last")
    atom = build.atom(name, *args, ret=got, packed=True, label="packed")
    if behind != "unmapped":
        build.code.append(Words("behind", (-1 if behind == "ones" else 0,) * 8))
    session = rig.load(build, atom)
    before = sections(session)
    rig.finish(session, atom)
    _assert_called(session, given)
    assert_untouched(session, before, "memory", *COMPLETION, "x", "got")


@checks("arg.packed-atom")
@pytest.mark.both_modes
def test_a_packed_atom_at_the_end_of_mapped_memory_blocks_and_goes_on(rig: Rig) -> None:
    build = Build()
    pipe, got, x = build.pipe(), build.word(label="got"), build.word(label="x")
    build.section("one")
    first = build.read(pipe, ret=got, next=Address("adds"), packed=True, label="first")
    build.section("other")
    build.add(x, 3, packed=True, label="adds")
    session = rig.load(build, first)
    finish_blocked(rig, session, first, pipe)
    assert_words(session, got=1, x=3)


@checks("arg.packed-atom")
@pytest.mark.both_modes
def test_a_packed_atom_may_store_its_result_in_the_word_behind_it(rig: Rig) -> None:
    build = Build()
    x = build.word(1, label="x")
    build.section("last")
    atom = build.add(x, 3, ret=Address("behind"), packed=True, label="packed")
    build.code.append(Words("behind", (-1, -1)))
    session, _ = rig.run(build, atom)
    got = session.words("behind", 2)
    assert got == [4, rig.abi.word_mask], f"behind: expected 4 and ones, got {got}"


@checks("arg.packed-atom")
@pytest.mark.both_modes
def test_packed_atoms_lie_back_to_back(rig: Rig) -> None:
    build = Build()
    x, zero, got = build.word(label="x"), build.word(), build.word(label="got")
    target, one = build.word(x), build.word(1)
    first = build.atom("getpid", packed=True, next=Address("packed1"), label="packed0")
    for index in range(1, 6):
        args = (target, one, zero, zero, zero)[: max(index, 2)]
        following: Value = Address(f"packed{index + 1}") if index < 5 else NULL
        build.atom("umem_add", *args, packed=True, next=following, ret=got, label=f"packed{index}")
    session, _ = rig.run(build, first)
    assert_words(session, x=5, got=5)


@checks("arg.packed-atom", "arg.by-pointer")
@pytest.mark.both_modes
@pytest.mark.parametrize("packed", [False, True], ids=["full", "packed"])
def test_atoms_run_across_the_borders_of_pages(rig: Rig, packed: bool) -> None:
    build = Build()
    x, size = build.word(label="x"), 200
    target, one = build.word(x), build.word(1)
    for index in range(size):
        following: Value = Address(f"atom{index + 1}") if index < size - 1 else NULL
        build.atom("umem_add", target, one, packed=packed, next=following, label=f"atom{index}")
    build.code.append(Words("behind", (0,) * 5))  # so that a border falls among the fields
    session, _ = rig.run(build, Address("atom0"))
    assert_words(session, x=size)


# -- missing parameters -----------------------------------------------------------------


@checks("arg.missing-is-zero")
@pytest.mark.both_modes
def test_a_missing_increment_is_0(rig: Rig) -> None:
    build = Build()
    x, got = build.word(0x1234, label="x"), build.word(label="got")
    session, _ = rig.run(build, build.atom("umem_add", build.word(x), ret=got))
    assert_words(session, x=0x1234, got=0x1234)


@checks("arg.missing-is-zero")
@pytest.mark.both_modes
def test_a_missing_address_is_null(rig: Rig) -> None:
    build = Build()
    got = build.word(label="got")
    session, _ = rig.run(build, build.atom("umem_add", ret=got))
    assert_words(session, got=-EFAULT)


@checks("arg.missing-is-zero")
@pytest.mark.both_modes
def test_a_read_with_no_count_reads_nothing_and_does_not_block(rig: Rig) -> None:
    build = Build()
    pipe, got, into = build.pipe(), build.word(-7, label="got"), build.buffer(8, label="into")
    end = Address(f"{pipe}.read")
    atom = build.atom("read", end, build.word(into), ret=got)
    session = rig.load(build, atom)
    rig.finish(session, atom)
    assert_words(session, got=0)
    session.feed(pipe, b"data")
    rig.finish(session, atom)
    assert_words(session, got=0)
    assert_drained(session, pipe, b"data")


@checks("arg.missing-is-zero")
@pytest.mark.both_modes
def test_a_missing_parameter_is_0_after_an_atom_that_passed_six(rig: Rig) -> None:
    build = Build()
    x, y, seven = build.word(1, label="x"), build.word(2, label="y"), build.word(7)
    first = build.atom("umem_add", build.word(x), *[seven] * 5, next=Address("second"))
    build.atom("umem_add", build.word(y), label="second")
    session, _ = rig.run(build, first)
    assert_words(session, x=8, y=2)
