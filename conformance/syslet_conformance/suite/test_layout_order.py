"""Area layout: numbers lie in the byte order of the ABI."""

from __future__ import annotations

import pytest

from syslet_conformance.program import Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.raw import ASYNC, ATOMS, HEAD, Raw

ASCENDING = {4: 0x01020304, 8: 0x0102030405060708}


@checks("layout.byte-order")
@pytest.mark.both_modes
def test_arguments_and_results_are_in_the_byte_order_of_the_abi(rig: Rig) -> None:
    raw = Raw(rig)
    word = raw.machine.word
    x, got, inc = raw.cell(0x10), raw.cell(), raw.cell()
    ascending = bytes(range(1, word + 1))
    if raw.machine.order == "little":
        ascending = ascending[::-1]
    raw.session.write(Address("raw", inc), ascending)
    raw.add(ATOMS, x)
    raw.set_arg(ATOMS, 1, raw.base + inc)
    raw.store(ATOMS + raw.machine.ret_ptr, raw.base + got)
    raw.run(ATOMS)
    for what, place in (("word", x), ("result", got)):
        expected = raw.machine.bytes_of(ASCENDING[word] + 0x10, word)
        data = raw.bytes(place, word)
        assert data == expected, f"{what}: expected {expected.hex(' ')}, got {data.hex(' ')}"


@checks("layout.byte-order")
@pytest.mark.both_modes
def test_a_carry_goes_from_the_low_byte_to_the_high_one(rig: Rig) -> None:
    raw = Raw(rig)
    x, word = raw.cell(0xFF), raw.machine.word
    raw.add(ATOMS, x)
    raw.run(ATOMS)
    zeros = bytes(word - 2)
    expected = zeros + b"\x01\x00" if raw.machine.order == "big" else b"\x00\x01" + zeros
    data = raw.bytes(x, word)
    assert data == expected, f"0xff + 1: expected {expected.hex(' ')}, got {data.hex(' ')}"


@checks("layout.byte-order")
def test_the_descriptor_is_in_the_byte_order_of_the_abi(rig: Rig) -> None:
    raw = Raw(rig, 3)
    word = raw.machine.word
    raw.add(ATOMS, raw.cell(), flags=ASYNC)
    for count in (1, 2):
        assert raw.exec(ATOMS) == 0, "exec of an ASYNC atom: expected NULL"
        raw.wait(count)
        expected = raw.machine.bytes_of(count, word)
        data = raw.bytes(HEAD, word)
        assert data == expected, (
            f"kernel_ring_idx {count}: expected {expected.hex(' ')}, got {data.hex(' ')}"
        )
