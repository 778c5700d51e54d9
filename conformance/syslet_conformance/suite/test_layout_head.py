"""Area layout: the descriptor, and the ring that it describes."""

from __future__ import annotations

import pytest

from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.raw import (
    ASYNC,
    ATOMS,
    COMPLETION_RING,
    END,
    HEAD_WORDS,
    MACHINES,
    RING,
    UNUSED,
    Raw,
    assert_cell,
)
from syslet_conformance.suite.steps import UNREADABLE

# -- the descriptor ---------------------------------------------------------------------


@checks("layout.head-fields")
@pytest.mark.parametrize("unused", [0, -1, UNREADABLE], ids=["zeros", "ones", "unreadable"])
def test_an_event_changes_the_first_word_of_the_descriptor_alone(rig: Rig, unused: int) -> None:
    raw = Raw(rig, 3)
    atom, x = ATOMS, raw.cell()
    raw.add(atom, x, flags=ASYNC)
    for word in range(4, HEAD_WORDS):
        raw.set_head(word, unused + word if unused == UNREADABLE else unused)
    for count in (1, 2, 3, 4):
        before = raw.head_words()
        assert raw.exec(atom) == 0, "exec of an ASYNC atom: expected NULL"
        raw.wait(1)
        expected = [count % 3, *before[1:]]
        got = raw.head_words()
        assert got == expected, f"descriptor after event {count}: expected {expected}, got {got}"
        raw.take()
    assert_cell(raw, "x", x, 4)


@checks("layout.head-fields")
@pytest.mark.parametrize("unused", [0, -1, UNREADABLE], ids=["zeros", "ones", "unreadable"])
def test_the_last_four_words_mean_nothing_to_a_syslet_that_blocks(rig: Rig, unused: int) -> None:
    raw = Raw(rig)
    buffer = raw.cell()
    raw.call(ATOMS, "read", raw.session.pipes["pipe"][0], raw.base + buffer, 1)
    for word in range(4, HEAD_WORDS):
        raw.set_head(word, unused)
    assert raw.exec(ATOMS) == 0, "exec of a read of an empty pipe: expected NULL"
    raw.session.feed("pipe", b"x")
    raw.wait(1)
    assert raw.take() == ATOMS, "entry: expected the atom that read"
    got = raw.head_words()[UNUSED]
    assert got == [unused] * 4, f"last four words: expected {unused} in each, got {got}"


@checks("layout.head-fields")
def test_the_third_word_of_the_descriptor_says_where_the_ring_is(rig: Rig) -> None:
    raw = Raw(rig)
    elsewhere = RING + 4 * raw.machine.word
    raw.ring = elsewhere
    raw.set_head(COMPLETION_RING, raw.base + elsewhere)
    raw.add(ATOMS, raw.cell(), flags=ASYNC)
    assert raw.exec(ATOMS) == 0, "exec of an ASYNC atom: expected NULL"
    raw.wait(1)
    assert raw.slot(0) == ATOMS, f"slot 0: expected the atom at {ATOMS}, got {raw.slot(0)}"
    before = raw.bytes(RING, 4 * raw.machine.word)
    assert not any(before), f"memory in front of the ring: expected zeros, got {before!r}"


@checks("layout.head-fields")
@pytest.mark.parametrize("slots", [1, 2, 3, 5])
def test_the_fourth_word_of_the_descriptor_is_the_size_of_the_ring(rig: Rig, slots: int) -> None:
    raw = Raw(rig, slots)
    raw.add(ATOMS, raw.cell(), flags=ASYNC)
    for count in range(2 * slots + 1):
        assert raw.exec(ATOMS) == 0, "exec of an ASYNC atom: expected NULL"
        raw.wait(1)
        index = count % slots
        got = raw.slot(index)
        assert got == ATOMS, f"event {count}, slot {index}: expected the atom, got {got}"
        raw.take()
    behind = raw.bytes(RING + slots * raw.machine.word, 8)
    assert not any(behind), f"memory behind the ring: expected zeros, got {behind!r}"


@checks("layout.head-fields")
def test_a_descriptor_of_eight_words_may_end_where_memory_ends(rig: Rig) -> None:
    raw = Raw(rig, head=END - HEAD_WORDS * MACHINES[rig.abi.name].word)
    raw.add(ATOMS, raw.cell(), flags=ASYNC)
    assert raw.exec(ATOMS) == 0, "exec of an ASYNC atom: expected NULL"
    raw.wait(1)
    assert raw.take() == ATOMS, "entry: expected the atom that ran"


# -- the ring ---------------------------------------------------------------------------


@checks("layout.ring-slots", "layout.byte-order")
def test_a_ring_is_the_addresses_of_atoms_one_word_each(rig: Rig) -> None:
    raw = Raw(rig, 5)
    machine, x = raw.machine, raw.cell()
    atoms = [ATOMS + index * machine.atom_bytes for index in (2, 0, 1)]
    for count, atom in enumerate(atoms, 1):
        raw.add(atom, x, flags=ASYNC)
        assert raw.exec(atom) == 0, "exec of an ASYNC atom: expected NULL"
        raw.wait(count)
    addresses = [*(raw.base + atom for atom in atoms), 0, 0]
    expected = b"".join(machine.bytes_of(address, machine.word) for address in addresses)
    got = raw.bytes(RING, len(expected))
    assert got == expected, f"ring: expected {expected.hex(' ')}, got {got.hex(' ')}"


@checks("layout.ring-slots")
@pytest.mark.parametrize("slots", [1, 3])
def test_the_last_slot_may_be_the_last_word_of_mapped_memory(rig: Rig, slots: int) -> None:
    word = MACHINES[rig.abi.name].word
    raw = Raw(rig, slots, ring=END - slots * word)
    guard = raw.ring - word
    raw.store(guard, -1)
    raw.add(ATOMS, raw.cell(), flags=ASYNC)
    for count in range(slots):
        assert raw.exec(ATOMS) == 0, "exec of an ASYNC atom: expected NULL"
        raw.wait(count + 1)
    got = [raw.slot(index) for index in range(slots)]
    assert got == [ATOMS] * slots, f"slots: expected the atom in each of {slots}, got {got}"
    assert_cell(raw, "the word in front of the ring", guard, -1)
