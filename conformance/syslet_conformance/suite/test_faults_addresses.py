"""Area faults: addresses that are not aligned, and such as wrap around the address space.

Each of them may be refused, or may work; what was done then must be right.
"""

from __future__ import annotations

import pytest

from syslet_conformance.program import NULL, Address, Buffer, Head, Value
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.hostile import (
    SLOTS,
    assert_ended,
    assert_error,
    assert_lives,
    hostile_build,
    memory,
    set_field,
    tops,
)
from syslet_conformance.suite.memory import assert_untouched
from syslet_layouts import ARGUMENTS, Flag, encode_words


def _copy(session: Session, label: str, place: Value, count: int) -> None:
    """The bytes of what `label` names once more, at `place`."""
    data = session.engine.read(session.address(label), count)
    session.write(place, data)


def _assert_refused_or_right(
    rig: Rig, session: Session, first: Value, last: Value, effects: dict[str, tuple[int, ...]]
) -> None:
    """Run a syslet: an error, or it ran to its end at `last`, and then all `effects` are there.

    `effects` gives for each variable what it may hold after an error, then what it must hold
    after a correct run.
    """
    what = f"syslet at {session.address(first):#x}"
    word = session.exec(first)
    entries = assert_ended(rig, session, word, what)
    got = {label: session.word(label) for label in effects}
    right = {label: allowed[-1] for label, allowed in effects.items()}
    if word and not rig.is_error(word):
        ends = session.address(first), session.address(last)
        assert word in ends, f"{what}: expected its address or an errno, got {word:#x}"
        assert got == right, f"{what}: expected {right}, got {got}"
    for label, allowed in effects.items():
        assert got[label] in allowed, f"{what}: {label}: expected {allowed}, got {got[label]}"
    if word == NULL and got == right:
        assert entries == [session.address(last)], (
            f"{what}: expected its entry, got {[session.name(entry) for entry in entries]}"
        )


# -- not aligned ------------------------------------------------------------------------


@checks("fault.odd-address")
@pytest.mark.both_modes
def test_an_atom_at_an_odd_address_is_refused_or_runs_right(rig: Rig) -> None:
    abi = rig.abi
    build = hostile_build()
    x = build.word(label="x")
    model = build.add(x, label="model")
    build.code.append(Buffer("odd", 2 * abi.atom_size))
    session = rig.load(build, model)
    for offset in range(1, abi.word_bytes):
        place = Address("odd", offset)
        _copy(session, "model", place, abi.atom_size)
        session.set_word("x", 0)
        _assert_refused_or_right(rig, session, place, place, {"x": (0, 1)})
        assert_lives(rig, session, f"an atom {offset} bytes off")


@checks("fault.odd-address")
@pytest.mark.both_modes
@pytest.mark.parametrize("by", ["next", "stride"])
def test_a_chain_to_an_atom_at_an_odd_address_is_an_error_or_goes_on_right(
    rig: Rig, by: str
) -> None:
    abi = rig.abi
    build = hostile_build()
    x, y = build.word(label="x"), build.word(label="y")
    flags = Flag.STOP_ON_NONZERO | Flag.SKIP_TO_NEXT_ON_STOP if by == "stride" else 0
    first = build.add(x, flags=flags, label="first")
    build.add(y, label="second")
    build.code.append(Buffer("odd", 3 * abi.atom_size))
    session = rig.load(build, first)
    for offset in range(1, abi.word_bytes):
        start = Address("odd", offset) if by == "stride" else first
        place = Address("odd", offset + abi.atom_size)
        _copy(session, "second", place, abi.atom_size)
        if by == "stride":
            _copy(session, "first", start, abi.atom_size)
        else:
            set_field(session, "first", "next", place)
        session.set_word("x", 0)
        session.set_word("y", 0)
        _assert_refused_or_right(rig, session, start, place, {"x": (0, 1), "y": (0, 1)})
        assert_lives(rig, session, f"an atom {offset} bytes off")


@checks("fault.odd-address")
@pytest.mark.both_modes
def test_an_argument_at_an_odd_address_is_an_error_or_is_read_right(rig: Rig) -> None:
    abi = rig.abi
    build = hostile_build()
    x = build.word(5, label="x")
    arguments = build.word(x), build.word(1)
    first = build.atom("umem_add", *arguments, label="first")
    build.buffer(2 * abi.word_bytes, label="odd")
    session = rig.load(build, first)
    for offset in range(1, abi.word_bytes):
        place = Address("odd", offset)
        values: tuple[Value, ...] = (x, 0x203)
        for position, value in enumerate(values):
            session.set_word(place, value)
            set_field(session, "first", f"arg_ptr[{position}]", place)
            session.set_word("x", 5)
            _assert_refused_or_right(
                rig, session, first, first, {"x": (5, 5 + (1, 0x203)[position])}
            )
            set_field(session, "first", f"arg_ptr[{position}]", arguments[position])
        assert_lives(rig, session, f"an argument {offset} bytes off")


@checks("fault.odd-address")
@pytest.mark.both_modes
def test_a_result_at_an_odd_address_is_stored_there_alone_or_not_at_all(rig: Rig) -> None:
    abi = rig.abi
    build = hostile_build()
    x = build.word(label="x")
    first = build.add(x, label="first")
    build.buffer(3 * abi.word_bytes, label="odd")
    session = rig.load(build, first)
    size = 3 * abi.word_bytes
    for offset in range(1, abi.word_bytes):
        start = abi.word_bytes + offset
        set_field(session, "first", "ret_ptr", Address("odd", start))
        session.write("odd", b"\xa5" * size)
        session.set_word("x", 0x10203)
        word = session.exec(first)
        assert_ended(rig, session, word, f"ret_ptr {offset} bytes off")
        got = rig.engine.read(session.address("odd"), size)
        stored = encode_words(abi, [0x10204])
        right = b"\xa5" * start + stored + b"\xa5" * (size - start - abi.word_bytes)
        assert got in (right, b"\xa5" * size), (
            f"ret_ptr {offset} bytes off: expected {right.hex()} or untouched, got {got.hex()}"
        )
        assert_lives(rig, session, f"a ret_ptr {offset} bytes off")


@checks("fault.odd-address")
@pytest.mark.parametrize("what", ["descriptor", "ring"])
def test_a_descriptor_or_ring_at_an_odd_address_is_refused_or_works_right(
    rig: Rig, what: str
) -> None:
    abi = rig.abi
    build = hostile_build()
    x = build.word(label="x")
    atom = build.add(x, flags=Flag.ASYNC, label="asynchronous")
    build.buffer(2 * abi.head_size, label="odd_head")
    build.buffer(2 * abi.head_size, label="odd_ring")
    for offset in range(1, abi.word_bytes):
        ring = Address("odd_ring", abi.word_bytes + offset)
        build.data.append(Head(f"head{offset}", "ring", completion_ring=ring))
    session = rig.load(build)
    for offset in range(1, abi.word_bytes):
        name = f"{what} {offset} bytes off"
        if what == "descriptor":
            head, ring = Address("odd_head", offset), Address("ring")
            _copy(session, "head", head, abi.head_size)
        else:
            head, ring = Address(f"head{offset}"), Address("odd_ring", abi.word_bytes + offset)
        session.set_word("x", 0)
        word = session.exec(atom, head)
        assert word == NULL or rig.is_error(word), f"{name}: expected NULL or an errno, got {word}"
        waited = session.wait(1, head, 0)
        slots = session.words(ring, SLOTS)
        if word == NULL and not rig.is_error(waited):
            expected = [session.address(atom), *[0] * (SLOTS - 1)]
            assert slots == expected, f"{name}: expected the ring {expected}, got {slots}"
            assert session.word("x") == 1, f"{name}: x: expected 1, got {session.word('x')}"
        assert_lives(rig, session, name)
        session.write(ring, bytes(SLOTS * abi.word_bytes))


# -- at the end of the address space ----------------------------------------------------


@checks("fault.odd-address", "fault.first-atom")
def test_an_atom_that_would_wrap_around_the_address_space_is_refused(rig: Rig) -> None:
    session = rig.load(hostile_build())
    before = memory(session)
    for place in tops(rig.abi):
        assert_error(rig, session, session.exec(place), f"exec of {place:#x}")
        assert_untouched(session, before, f"exec of {place:#x}")
    assert_lives(rig, session, "atoms that wrap", "head")


FIELDS = ("next", "ret_ptr", *(f"arg_ptr[{position}]" for position in range(ARGUMENTS)))


@checks("fault.odd-address")
@pytest.mark.both_modes
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_points_to_the_end_of_the_address_space_crashes_nothing(
    rig: Rig, field: str
) -> None:
    build = hostile_build()
    x = build.word(label="x")
    zero = build.word(0)
    first = build.atom("umem_add", build.word(x), build.word(1), *[zero] * 4, label="first")
    session = rig.load(build, first)
    for place in tops(rig.abi):
        session.set_word("x", 0)
        set_field(session, "first", field, place)
        assert_ended(rig, session, session.exec(first), f"{field} {place:#x}")
        expected = 0 if field.startswith("arg_ptr") else 1
        got = session.word("x")
        assert got == expected, f"{field} {place:#x}: x: expected {expected}, got {got}"
    assert_lives(rig, session, f"{field} at the end of the address space", "head")


@checks("fault.odd-address")
def test_a_descriptor_at_the_end_of_the_address_space_is_reported(rig: Rig) -> None:
    build = hostile_build()
    atom = build.atom("getpid", flags=Flag.ASYNC, label="asynchronous")
    session = rig.load(build)
    before = memory(session)
    for place in tops(rig.abi):
        word = session.exec(atom, place)
        assert word == NULL or rig.is_error(word), (
            f"exec, descriptor {place:#x}: expected NULL or an errno, got {word:#x}"
        )
        assert_error(rig, session, session.wait(1, place, 0), f"wait, descriptor {place:#x}")
    assert_lives(rig, session, "descriptors that wrap", "head")
    after = memory(session, "data")
    assert after == {label: before[label] for label in after}, "expected nothing written"


@checks("fault.odd-address")
def test_a_ring_that_would_wrap_around_the_address_space_crashes_nothing(rig: Rig) -> None:
    abi = rig.abi
    build = hostile_build()
    atom = build.atom("getpid", flags=Flag.ASYNC, label="asynchronous")
    for number, place in enumerate(tops(abi)):
        build.data.append(Head(f"ring_at_top{number}", "ring", completion_ring=place))
    greatest = abi.word_mask + 1 - abi.word_bytes
    build.data.append(Head("greatest", "ring", ring_size_bytes=greatest))
    session = rig.load(build)
    before = memory(session, "data")
    heads = [*(f"ring_at_top{number}" for number in range(len(tops(abi)))), "greatest"]
    for head in heads:
        word = session.exec(atom, head)
        assert word == NULL or rig.is_error(word), (
            f"exec, {head}: expected NULL or an errno, got {word:#x}"
        )
        waited = session.wait(1, head)
        if head != "greatest":
            assert_error(rig, session, waited, f"wait, {head}")
        assert_untouched(session, before, head)
        assert_lives(rig, session, head)
