"""Hostile programs: addresses that nothing lies at, and what must stand when one was met.

No address here is left to chance: what is unmapped is the first page, the last page, the byte
after a mapping, or a mapping of the program's own that was unmapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syslet_conformance.builder import Build
from syslet_conformance.program import Address, Buffer, Head, Ring, Value, Words
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.memory import sections
from syslet_conformance.suite.steps import UNREADABLE, assert_succeeded
from syslet_layouts import Abi, Flag

LIFE = "life"
"""The section of what `assert_lives` uses."""

SLOTS = 4
"""Slots of the ring: more than a test has events, so that a wait for as many waits for all."""


def top(abi: Abi, size_bytes: int) -> int:
    """Where `size_bytes` end with the last byte of the address space; no engine maps its page."""
    return abi.word_mask + 1 - size_bytes


def tops(abi: Abi) -> list[int]:
    """Addresses in the last page, from which objects reach its end or wrap around it.

    Where a word has 8 bytes, also the middle, which many a machine cannot even address.
    """
    sizes = (1, 2, abi.word_bytes, abi.word_bytes + 1, abi.head_size, abi.atom_size)
    found = [top(abi, size) for size in (*sizes, 2 * abi.atom_size)]
    return [*found, 1 << 63, (1 << 63) - abi.word_bytes] if abi.word_bytes == 8 else found


def hostile_build(slots: int = SLOTS) -> Build:
    """A ring, the places of `unmapped`, and a section `LIFE` with a ring of its own.

    ``gone`` lies between other mappings: whatever else the engine's process maps is too large
    for the hole that it leaves.
    """
    build = Build(slots)
    build.section("edge_section")
    build.code.append(Words("edge"))
    build.section("gone")
    build.code.append(Buffer("gone_bytes", 16 * 88))
    build.section(LIFE)
    build.code += [Words("alive"), Ring("life_ring", SLOTS), Head("life_head", "life_ring")]
    build.add(Address("alive"), label="good")
    build.add(Address("alive"), flags=Flag.ASYNC, label="good_async")
    build.section("code")
    return build


def unmapped(abi: Abi) -> dict[str, Value]:
    """Places in a `hostile_build` at which nothing lies, once its ``gone`` is unmapped."""
    return {
        "in the first page": UNREADABLE,
        "right after a mapping": Address("edge", abi.word_bytes),
        "in an unmapped section": Address("gone"),
    }


def unreadable_words(abi: Abi) -> dict[str, Value]:
    """Places at which no whole word lies: `unmapped`, and across the end of a mapping."""
    across = {
        f"{missing} bytes past the end of a mapping": Address("edge", missing)
        for missing in range(1, abi.word_bytes)
    }
    return {**unmapped(abi), **across}


def end_of_memory(build: Build, size_bytes: int, section: str = "end") -> None:
    """A section of that many bytes."""
    build.section(section)
    build.code.append(Buffer(f"{section}_bytes", size_bytes))


def cuts(abi: Abi) -> Iterator[tuple[str, int]]:
    """Each way to cut an atom of six arguments off too early: (what is cut, bytes that are left).

    Each field is cut off whole, but for one byte, and by its last byte.
    """
    for place in abi.atom_places[:-1]:
        for left in sorted({0, 1, place.size_bytes - 1}):
            if place.offset + left:
                yield f"{place.name} after {left} bytes", place.offset + left


def put_at_end(session: Session, atom: str, count: int, section: str = "end") -> Address:
    """The first `count` bytes of `atom` once more, as the last bytes of a section."""
    data = session.engine.read(session.address(atom), count)
    size = next(s.size_bytes for s in session.layout.sections if s.label == section)
    place = Address(section, size - count)
    session.write(place, data)
    return place


def set_field(session: Session, atom: str, field: str, value: Value) -> None:
    """Store `value` in a word of an atom, such as ``arg_ptr[2]``."""
    place = Address(atom, session.abi.atom_offsets[field])
    session.set_word(place, value)


def assert_word(session: Session, label: Value | str, expected: int, what: str) -> None:
    """A variable holds that."""
    got = session.word(label)
    name = label if isinstance(label, str) else session.name(session.address(label))
    assert got == expected, f"{what}: {name}: expected {expected}, got {got}"


def add_of_six(build: Build, x: Value, label: str, inc: int = 3, **atom: Any) -> Address:
    """umem_add(x, inc) with six arguments that can all be read."""
    zero = build.word(0)
    return build.atom("umem_add", build.word(x), build.word(inc), *[zero] * 4, label=label, **atom)


def memory(session: Session, *but: str) -> dict[str, bytes]:
    """The bytes of all sections but those named, `LIFE`, and ``gone``, which may be unmapped."""
    return sections(session, LIFE, "gone", *but)


def assert_error(rig: Rig, session: Session, word: int, what: str) -> None:
    """A return word is a negative errno."""
    assert rig.is_error(word), f"{what}: expected a negative errno, got {session.name(word)}"


def assert_lives(rig: Rig, session: Session, what: str, head: str = "life_head") -> None:
    """The engine runs another syslet in the caller, and one asynchronously, and both right."""
    alive = session.word("alive")
    word = session.exec("good", head)
    cached = word != 0 and not rig.is_error(word)
    assert cached, f"exec of a good syslet after {what}: expected an address, got {rig.errno(word)}"
    word = session.exec("good_async", head)
    assert word == 0, f"exec of a good syslet after {what}: expected NULL, got {rig.errno(word)}"
    assert_succeeded(rig, session.wait(1, head))
    got = [session.name(entry) for entry in session.consume(head=head)]
    assert got == ["&good_async"], f"ring after {what}: expected ['&good_async'], got {got}"
    got_alive = session.word("alive")
    assert got_alive == alive + 2, f"alive after {what}: expected {alive + 2}, got {got_alive}"


def assert_ended(rig: Rig, session: Session, word: int, what: str) -> list[int]:
    """The syslet whose exec gave `word` is over: its entries, one at most, and none unless NULL.

    A wait for more events than there can be returns, since nothing is pending: with success,
    or after NULL with an errno.
    """
    waited = session.wait(SLOTS)
    if word:
        assert_succeeded(rig, waited)
    entries = session.consume()
    most = 0 if word else 1
    assert len(entries) <= most, f"{what}: expected at most {most} entries, got {len(entries)}"
    return entries


def assert_refused(rig: Rig, session: Session, word: int, what: str) -> None:
    """Exec gave a negative errno; nothing is queued, and nothing is pending."""
    assert_error(rig, session, word, f"exec, {what}")
    assert_ended(rig, session, word, what)
