"""Area chaining: what follows an atom that does not stop, wherever it lies."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Atom, Words
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
)
from syslet_layouts import Flag

# -- next -------------------------------------------------------------------------------

PLACES = {
    "adjacent": "first target decoy",
    "further-on": "first decoy target decoy",
    "before": "target decoy first decoy",
    "directly-before": "target first decoy",
    "in-a-later-mapping": "first decoy | target decoy",
    "in-an-earlier-mapping": "target decoy | first decoy",
}
"""Atoms in the order in which they lie; a bar starts another mapping."""


@checks("chain.next", "ring.entry-is-final-atom")
@pytest.mark.both_modes
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_next_is_followed_wherever_it_points(rig: Rig, place: str) -> None:
    build = Build()
    x, y, wrong = (build.word(label=label) for label in ("x", "y", "wrong"))
    for word in place.split():
        if word == "first":
            build.add(x, 2, next=Address("target"), label="first")
        elif word == "target":
            build.add(y, 3, label="target")
        elif word == "decoy":
            build.add(wrong)
        else:
            build.section()
    session, ran = rig.run(build, Address("first"))
    assert_words(session, x=2, y=3, wrong=0)
    rig.assert_ended_at(session, ran, Address("target"))


@checks("chain.next")
@pytest.mark.both_modes
@pytest.mark.parametrize("order", ["012345", "543210", "304152"])
def test_atoms_run_in_the_order_of_next_and_not_of_memory(rig: Rig, order: str) -> None:
    build = Build()
    clock, last = build.word(label="clock"), len(order) - 1
    for turn in map(int, order):
        stamp = build.word(label=f"stamp{turn}")
        following = Address(f"atom_{turn + 1}") if turn < last else NULL
        build.add(clock, ret=stamp, next=following, label=f"atom_{turn}")
    session, ran = rig.run(build, Address("atom_0"))
    assert_words(session, **{f"stamp{turn}": turn + 1 for turn in range(len(order))})
    rig.assert_ended_at(session, ran, Address(f"atom_{last}"))


@checks("chain.next")
@pytest.mark.both_modes
def test_next_is_followed_after_a_syscall_that_failed(rig: Rig) -> None:
    build = Build()
    after, result = build.word(label="after"), build.word(label="result")
    arguments = build.word(-1), build.word(build.buffer(1)), build.word(1)
    first = build.atom("read", *arguments, ret=result, next=Address("second"))
    second = build.add(after, label="second")
    session, ran = rig.run(build, first)
    got = session.word("result")
    assert got < 0, f"read of descriptor -1: expected a negative errno, got {got}"
    assert_words(session, after=1)
    rig.assert_ended_at(session, ran, second)


# -- NULL -------------------------------------------------------------------------------


@checks("chain.null-ends", "ring.entry-is-final-atom")
@pytest.mark.both_modes
@pytest.mark.parametrize("before", [0, 1, 3])
@pytest.mark.parametrize("neighbour", [True, False], ids=["before-an-atom", "at-the-end"])
def test_an_atom_whose_next_is_null_is_the_last(rig: Rig, before: int, neighbour: bool) -> None:
    build = Build()
    count, wrong = build.word(label="count"), build.word(label="wrong")
    for turn in range(before):
        build.add(count, next=Address(f"atom_{turn + 1}"), label=f"atom_{turn}")
    last = build.add(count, label=f"atom_{before}")
    if neighbour:
        build.add(wrong)
    session, ran = rig.run(build, Address("atom_0"))
    assert_words(session, count=before + 1, wrong=0)
    rig.assert_ended_at(session, ran, last)


@checks("chain.null-ends")
@pytest.mark.both_modes
@pytest.mark.parametrize(
    ("flag", "result"),
    [
        (Flag.STOP_ON_NONZERO, 0),
        (Flag.STOP_ON_ZERO, 1),
        (Flag.STOP_ON_NEGATIVE, 0),
        (Flag.STOP_ON_NON_POSITIVE, 1),
    ],
    ids=["nonzero", "zero", "negative", "non_positive"],
)
def test_null_ends_a_syslet_whose_stop_flag_does_not_hold(
    rig: Rig, flag: Flag, result: int
) -> None:
    build = Build()
    wrong = build.word(label="wrong")
    only = build.result(result, flags=flag)
    build.add(wrong)
    session, ran = rig.run(build, only)
    assert_words(session, wrong=0)
    rig.assert_ended_at(session, ran, only)


@checks("chain.null-ends")
@pytest.mark.both_modes
def test_null_ends_a_syslet_after_a_cachemiss(rig: Rig) -> None:
    build = Build()
    pipe, wrong = build.pipe(), build.word(label="wrong")
    only = build.read(pipe)
    build.add(wrong)
    session = rig.load(build, only)
    block(rig, session, only)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, only, 0, 0, 0)
    assert_words(session, wrong=0)


# -- the first atom alone ---------------------------------------------------------------


@checks("chain.first-atom-only")
@pytest.mark.both_modes
def test_a_chain_may_be_entered_at_each_of_its_atoms(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    flags = rig.start_flags
    following: Address | int = NULL
    starts: list[Address] = []
    for number in range(6):
        following = build.add(count, flags=flags, next=following, label=f"atom_{number}")
        starts.append(following)
    session = rig.load(build)
    total = 0
    for length, start in enumerate(starts, 1):
        total += length
        ran = rig.finish(session, start)
        assert_words(session, count=total)
        rig.assert_ended_at(session, ran, Address("atom_0"))


@checks("chain.first-atom-only")
@pytest.mark.both_modes
@pytest.mark.parametrize("filler", [0, -1], ids=["zeros", "ones"])
def test_an_atom_runs_at_every_word_of_an_image(rig: Rig, filler: int) -> None:
    abi = rig.abi
    words = 3 * abi.atom_size // abi.word_bytes
    build = Build()
    count = build.word(label="count")
    sample = build.add(count, label="sample")
    build.section()
    build.code.append(Words("image", (filler,) * words))
    session = rig.load(build, sample)
    image = rig.engine.read(session.address("image"), words * abi.word_bytes)
    atom = rig.engine.read(session.address(sample), abi.atom_size)
    for offset in range(0, len(image) - len(atom) + 1, abi.word_bytes):
        place = Address("image", offset)
        session.write("image", image)
        session.write(place, atom)
        ran = rig.finish(session, place)
        assert_words(session, count=offset // abi.word_bytes + 1)
        rig.assert_ended_at(session, ran, place)


@checks("chain.first-atom-only", "chain.next")
@pytest.mark.both_modes
def test_atoms_in_a_mapping_each_make_one_syslet(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    following: Address | int = NULL
    for number in range(8):
        build.section()
        if number:
            build.code.append(Words(f"before_{number}", (-1,) * number))
        following = build.add(count, next=following, label=f"atom_{number}")
    session, ran = rig.run(build, Address("atom_7"))
    assert_words(session, count=8)
    rig.assert_ended_at(session, ran, Address("atom_0"))


@checks("chain.first-atom-only", "arg.packed-atom")
@pytest.mark.both_modes
def test_atoms_run_among_the_variables_that_they_use(rig: Rig) -> None:
    build = Build()
    for number in range(6):
        build.data.append(Words(f"count{number}", (0,) * (number + 1)))
        following = Address(f"atom_{number + 1}") if number < 5 else NULL
        arguments = Address(f"to_{number}"), Address(f"inc_{number}")
        build.data.append(
            Atom(f"atom_{number}", "umem_add", arguments, next=following, packed=number % 2 == 0)
        )
        build.word(Address(f"count{number}"), label=f"to_{number}")
        build.word(number + 1, label=f"inc_{number}")
    session, ran = rig.run(build, Address("atom_0"))
    assert_words(session, **{f"count{number}": number + 1 for number in range(6)})
    rig.assert_ended_at(session, ran, Address("atom_5"))


@checks("chain.first-atom-only")
@pytest.mark.both_modes
def test_what_lies_before_the_first_atom_is_not_run(rig: Rig) -> None:
    build = Build()
    count, wrong = build.word(label="count"), build.word(label="wrong")
    build.add(wrong, next=Address("first"))
    build.add(wrong, flags=Flag.STOP_ON_NONZERO, next=Address("first"))
    first = build.add(count, label="first")
    session, ran = rig.run(build, first)
    assert_words(session, count=1, wrong=0)
    rig.assert_ended_at(session, ran, first)
