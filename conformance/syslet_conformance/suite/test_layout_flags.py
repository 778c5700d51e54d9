"""Area layout: each flag is its bit."""

from __future__ import annotations

import pytest

from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.raw import (
    ATOMS,
    HEAD,
    STOPS_ON,
    Raw,
    assert_cell,
    assert_entry,
)
from syslet_conformance.suite.steps import assert_still_blocked


@checks("layout.flag-bits")
def test_bit_0x01_is_async(rig: Rig) -> None:
    raw = Raw(rig)
    x = raw.cell()
    raw.add(ATOMS, x, flags=0x01)
    word = raw.exec(ATOMS)
    assert word == 0, f"exec: expected NULL, got {word:#x}"
    raw.wait(1)
    assert raw.take() == ATOMS, "entry: expected the atom that ran"
    assert_cell(raw, "x", x, 1)


@checks("layout.flag-bits")
def test_bit_0x02_is_sync(rig: Rig) -> None:
    raw = Raw(rig)
    buffer = raw.cell()
    raw.call(ATOMS, "read", raw.session.pipes["pipe"][0], raw.base + buffer, 1, flags=0x02)
    call = raw.session.start_exec(raw.base + ATOMS, raw.base + HEAD)
    assert_still_blocked(raw.session, call, "bit 0x02 and an empty pipe")
    raw.session.feed("pipe", b"x")
    word = call.join()
    assert word == raw.base + ATOMS, f"exec: expected the atom's address, got {word:#x}"
    assert raw.slot(0) == -1, "slot 0: expected NULL, got an entry"


@checks("layout.flag-bits")
def test_bit_0x04_is_no_complete(rig: Rig) -> None:
    raw = Raw(rig)
    x, other = raw.cell(), ATOMS + raw.machine.atom_bytes
    raw.add(ATOMS, x, flags=0x01 | 0x04)
    word = raw.exec(ATOMS)
    assert word == 0, f"exec: expected NULL, got {word:#x}"
    raw.wait(1)
    assert_cell(raw, "x", x, 1)
    assert raw.slot(0) == -1, "slot 0: expected NULL, got an entry"
    raw.add(other, x, flags=0x01)
    assert raw.exec(other) == 0, "exec of an ASYNC atom: expected NULL"
    raw.wait(1)
    assert raw.take() == other, "entry: expected that of the atom without 0x04"


def assert_stops(raw: Raw, flags: int, result: int, stops: bool) -> None:
    """An atom with these flags and this result is the last, or is followed by `next`."""
    first, following = ATOMS, ATOMS + 2 * raw.machine.atom_bytes
    reached = raw.cell()
    raw.add(first, raw.cell(result), 0, flags)
    raw.set_next(first, following)
    raw.add(following, reached)
    entry = raw.run(first)
    expected = 0 if stops else 1
    got = raw.load(reached)
    assert got == expected, f"flags {flags:#04x}, result {result}: expected {expected}, got {got}"
    assert_entry(entry, first if stops else following)


STOP_BITS = pytest.mark.parametrize("bit", STOPS_ON, ids=lambda bit: f"{bit:#04x}")


@checks("layout.flag-bits")
@pytest.mark.both_modes
@STOP_BITS
def test_a_stop_bit_stops_on_its_results_alone(rig: Rig, bit: int) -> None:
    raw = Raw(rig)
    for result in (-1, 0, 1):
        assert_stops(raw, bit, result, result in STOPS_ON[bit])


@checks("layout.flag-bits")
@pytest.mark.both_modes
@pytest.mark.parametrize("bit", [0x00, 0x02, 0x04, 0x80], ids=lambda bit: f"{bit:#04x}")
def test_a_bit_that_is_no_stop_bit_stops_on_nothing(rig: Rig, bit: int) -> None:
    raw = Raw(rig)
    for result in (-1, 0, 1):
        assert_stops(raw, bit, result, False)


@checks("layout.flag-bits")
@pytest.mark.both_modes
@STOP_BITS
def test_bit_0x80_goes_on_with_the_atom_behind_on_a_stop(rig: Rig, bit: int) -> None:
    raw = Raw(rig)
    near, far = raw.cell(), raw.cell()
    size = raw.machine.atom_bytes
    raw.add(ATOMS, raw.cell(STOPS_ON[bit][0]), 0, bit | 0x80)
    raw.set_next(ATOMS, ATOMS + 2 * size)
    raw.add(ATOMS + size, near)
    raw.add(ATOMS + 2 * size, far)
    assert_entry(raw.run(ATOMS), ATOMS + size)
    assert_cell(raw, "the atom behind", near, 1)
    assert_cell(raw, "the atom at next", far, 0)
