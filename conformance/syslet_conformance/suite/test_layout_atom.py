"""Area layout: the size and the fields of an atom."""

from __future__ import annotations

import pytest

from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.raw import (
    ARGUMENTS,
    ATOMS,
    END,
    HEAD,
    SKIP,
    STOP_ON_ZERO,
    Fields,
    Raw,
    assert_cell,
    assert_entry,
)
from syslet_conformance.suite.steps import UNREADABLE

# -- the size of an atom ----------------------------------------------------------------


@checks("layout.atom-size", "layout.atom-fields")
@pytest.mark.both_modes
def test_atoms_that_skip_lie_one_atom_size_apart(rig: Rig) -> None:
    raw = Raw(rig)
    size = raw.machine.atom_bytes
    variables = [raw.cell(-1) for _ in range(4)]
    for index, variable in enumerate(variables):
        raw.add(ATOMS + index * size, variable, flags=STOP_ON_ZERO | SKIP if index < 3 else 0)
    entry = raw.run(ATOMS)
    for index, variable in enumerate(variables):
        assert_cell(raw, f"variable of atom {index}", variable, 0)
    assert_entry(entry, ATOMS + 3 * size)


@checks("layout.atom-size", "layout.atom-fields")
@pytest.mark.both_modes
def test_a_full_atom_runs_when_its_last_byte_is_the_last_that_is_mapped(rig: Rig) -> None:
    raw = Raw(rig)
    atom, x = END - raw.machine.atom_bytes, raw.cell(1)
    raw.call(atom, "umem_add", raw.base + x, 3, 0, 0, 0, 0)
    raw.store(END - raw.machine.word, UNREADABLE)
    assert_entry(raw.run(atom), atom)
    assert_cell(raw, "x", x, 4)
    assert_cell(raw, "private", END - raw.machine.word, UNREADABLE)


@checks("layout.atom-size")
@pytest.mark.both_modes
def test_full_atoms_side_by_side_share_no_byte(rig: Rig) -> None:
    raw = Raw(rig)
    size, count = raw.machine.atom_bytes, raw.cell()
    for index in range(3):
        atom = ATOMS + index * size
        raw.call(atom, "umem_add", raw.base + count, 1, 0, 0, 0, 0)
        raw.store(atom + raw.machine.private, -1 - index)
        if index:
            raw.set_next(atom, atom - size)
    last = ATOMS + 2 * size
    before = raw.bytes(ATOMS, 3 * size)
    raw.run(last)
    assert_cell(raw, "count", count, 3)
    after = raw.bytes(ATOMS, 3 * size)
    first_flag = last - ATOMS, last - ATOMS + raw.machine.half
    for side in (slice(0, first_flag[0]), slice(first_flag[1], None)):
        assert after[side] == before[side], f"atoms: expected {before!r}, got {after!r}"


# -- the fields of an atom --------------------------------------------------------------


@checks("layout.atom-fields", "layout.byte-order")
@pytest.mark.both_modes
def test_an_atom_of_bytes_written_by_hand_runs(rig: Rig) -> None:
    Fields(rig).assert_left(x=3, got=3, y=1)


@checks("layout.atom-fields", "layout.byte-order")
@pytest.mark.both_modes
def test_flags_lie_at_the_start_of_the_atom(rig: Rig) -> None:
    fields = Fields(rig)
    fields.raw.set_flags(fields.atom, 0x08)
    fields.assert_left(x=3, got=3)


@checks("layout.atom-fields")
@pytest.mark.both_modes
def test_nr_lies_behind_flags(rig: Rig) -> None:
    fields = Fields(rig)
    raw = fields.raw
    raw.set_nr(fields.atom, "getpid")
    raw.run(fields.atom)
    assert_cell(raw, "x", fields.x, 0)
    assert_cell(raw, "y", fields.y, 1)
    got = raw.load(fields.got)
    assert got > 0, f"got: expected what getpid gives, got {got}"


@checks("layout.atom-fields")
@pytest.mark.both_modes
def test_ret_ptr_lies_behind_nr(rig: Rig) -> None:
    fields = Fields(rig)
    raw = fields.raw
    raw.store(fields.atom + raw.machine.ret_ptr, raw.base + fields.other)
    fields.assert_left(x=3, other=3, y=1)


@checks("layout.atom-fields")
@pytest.mark.both_modes
def test_next_lies_behind_ret_ptr(rig: Rig) -> None:
    fields = Fields(rig)
    fields.raw.set_next(fields.atom, fields.third)
    fields.assert_left(x=3, got=3, z=1)


@checks("layout.atom-fields")
@pytest.mark.both_modes
def test_the_first_two_argument_pointers_lie_behind_next(rig: Rig) -> None:
    fields = Fields(rig)
    raw = fields.raw
    raw.set_arg(fields.atom, 0, raw.base + raw.cell(raw.base + fields.other))
    raw.set_arg(fields.atom, 1, raw.base + raw.cell(0x1234))
    fields.assert_left(other=0x1234, got=0x1234, y=1)


@checks("layout.atom-fields")
@pytest.mark.both_modes
def test_the_third_argument_pointer_lies_behind_the_second(rig: Rig) -> None:
    raw = Raw(rig)
    buffer, got = raw.cell(), raw.cell()
    fd = raw.session.pipes["pipe"][0]
    raw.call(ATOMS, "read", fd, raw.base + buffer, 2)
    raw.store(ATOMS + raw.machine.ret_ptr, raw.base + got)
    raw.session.feed("pipe", b"abc")
    raw.run(ATOMS)
    assert_cell(raw, "result", got, 2)
    data = raw.bytes(buffer, 3)
    assert data == b"ab\0", f"buffer: expected b'ab\\0', got {data!r}"


@checks("layout.atom-fields")
@pytest.mark.both_modes
@pytest.mark.parametrize("index", range(2, ARGUMENTS))
def test_each_further_argument_pointer_lies_a_word_behind_the_last(rig: Rig, index: int) -> None:
    fields = Fields(rig)
    raw, zero = fields.raw, fields.raw.cell()
    for readable in range(2, index):
        raw.set_arg(fields.atom, readable, raw.base + zero)
    for unreadable in range(index + 1, ARGUMENTS):
        raw.set_arg(fields.atom, unreadable, UNREADABLE)
    fields.assert_left(x=3, got=3, y=1)
    raw.set_arg(fields.atom, index, UNREADABLE)
    if not raw.exec(fields.atom):
        raw.session.wait(1, raw.base + HEAD, raw.consumed % raw.slots)
    assert_cell(raw, "x after an argument that cannot be read", fields.x, 3)


@checks("layout.atom-fields")
@pytest.mark.both_modes
@pytest.mark.parametrize("value", [0, 1, -1, UNREADABLE])
def test_private_is_the_word_behind_the_six_argument_pointers(rig: Rig, value: int) -> None:
    fields = Fields(rig)
    raw, zero = fields.raw, fields.raw.cell()
    for index in range(2, ARGUMENTS):
        raw.set_arg(fields.atom, index, raw.base + zero)
    private = fields.atom + raw.machine.private
    raw.store(private, value)
    fields.assert_left(x=3, got=3, y=1)
    assert_cell(raw, "private", private, value)
