"""A stretch of memory as bytes, with a descriptor, a ring and atoms written by hand.

Nothing here asks `syslet_layouts` where anything lies, since an engine and a suite that
share one mistake would agree. `MACHINES` states the ABI once more, in numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syslet_conformance.builder import Build
from syslet_conformance.program import Address
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import assert_succeeded

ARGUMENTS = 6


@dataclass(frozen=True, slots=True)
class Machine:
    """One ABI in bytes: its order, a word, the flags and nr, an atom's offsets and size."""

    order: Literal["little", "big"]
    word: int
    half: int
    flags: int
    nr: int
    ret_ptr: int
    next: int
    arg_ptr: int
    private: int
    atom_bytes: int

    def bytes_of(self, value: int, size_bytes: int) -> bytes:
        """A number, negative ones as two's complement."""
        return (value % (1 << 8 * size_bytes)).to_bytes(size_bytes, self.order)


MACHINES = {
    "ilp32-le": Machine("little", 4, 4, 0, 4, 8, 12, 16, 40, 44),
    "ilp32-be": Machine("big", 4, 4, 0, 4, 8, 12, 16, 40, 44),
    "lp64-le": Machine("little", 8, 8, 0, 8, 16, 24, 32, 80, 88),
    "lp64-be": Machine("big", 8, 8, 0, 8, 16, 24, 32, 80, 88),
    "fixed64-le": Machine("little", 8, 4, 0, 4, 8, 16, 24, 72, 80),
}

HEAD_WORDS = 8
KERNEL_RING_IDX, USER_RING_IDX, COMPLETION_RING, RING_SIZE_BYTES = range(4)
UNUSED = slice(4, HEAD_WORDS)
"""head_stack, head_eip, new_thread_stack, new_thread_eip."""

ASYNC, SYNC, NO_COMPLETE = 0x01, 0x02, 0x04
STOP_ON_ZERO, SKIP = 0x10, 0x80
STOPS_ON = {0x08: (-1, 1), 0x10: (0,), 0x20: (-1,), 0x40: (-1, 0)}
"""The four stop bits, and on which of -1, 0 and 1 each stops."""

HEAD, RING, CELLS, ATOMS, END = 0, 128, 256, 1024, 4096
"""Byte offsets in the raw memory; the byte at `END` is unmapped."""


class Raw:
    """A stretch of an engine's memory as bytes, with a descriptor, a ring and a pipe.

    Places are byte offsets into it; what is stored in a field is an address or a number.
    """

    def __init__(self, rig: Rig, slots: int = 4, *, head: int = HEAD, ring: int = RING) -> None:
        build = Build(0)
        build.pipe("pipe")
        build.buffer(END, label="raw")
        self.rig, self.machine = rig, MACHINES[rig.abi.name]
        self.session = rig.load(build)
        self.base = self.session.address("raw")
        self.head, self.ring, self.slots = head, ring, slots
        self.consumed = 0
        self._cell = CELLS
        self.set_head(COMPLETION_RING, self.base + ring)
        self.set_head(RING_SIZE_BYTES, slots * self.machine.word)

    # -- numbers -----------------------------------------------------------------------

    def store(self, place: int, value: int, size_bytes: int | None = None) -> None:
        """Store a number, a word if not told otherwise."""
        data = self.machine.bytes_of(value, size_bytes or self.machine.word)
        self.session.write(Address("raw", place), data)

    def bytes(self, place: int, count: int) -> bytes:
        """The bytes there."""
        return self.rig.engine.read(self.base + place, count)

    def load(self, place: int) -> int:
        """The signed word there."""
        return int.from_bytes(self.bytes(place, self.machine.word), self.machine.order, signed=True)

    def cell(self, value: int = 0) -> int:
        """The place of a new variable."""
        place, self._cell = self._cell, self._cell + self.machine.word
        self.store(place, value)
        return place

    # -- descriptor and ring -----------------------------------------------------------

    def set_head(self, word: int, value: int) -> None:
        """Store a word of the descriptor."""
        self.store(self.head + word * self.machine.word, value)

    def head_words(self) -> list[int]:
        """The words of the descriptor."""
        return [self.load(self.head + i * self.machine.word) for i in range(HEAD_WORDS)]

    def slot(self, index: int) -> int:
        """The offset in the memory of the atom in a slot; -1 where it is NULL."""
        data = self.bytes(self.ring + index * self.machine.word, self.machine.word)
        word = int.from_bytes(data, self.machine.order)
        return word - self.base if word else -1

    # -- atoms -------------------------------------------------------------------------

    def set_flags(self, atom: int, flags: int) -> None:
        """Store an atom's flags."""
        self.store(atom + self.machine.flags, flags, self.machine.half)

    def set_nr(self, atom: int, name: str) -> None:
        """Store an atom's nr."""
        self.store(atom + self.machine.nr, self.rig.number(name), self.machine.half)

    def set_arg(self, atom: int, index: int, pointer: int) -> None:
        """Store one of an atom's argument pointers."""
        self.store(atom + self.machine.arg_ptr + index * self.machine.word, pointer)

    def call(self, atom: int, name: str, *values: int, flags: int = 0) -> None:
        """An atom that makes a call with these parameters, each in a variable of its own."""
        self.set_flags(atom, flags)
        self.set_nr(atom, name)
        for index, value in enumerate(values):
            self.set_arg(atom, index, self.base + self.cell(value))

    def add(self, atom: int, target: int, inc: int = 1, flags: int = 0) -> None:
        """An atom that adds `inc` to the variable at `target`."""
        self.call(atom, "umem_add", self.base + target, inc, flags=flags)

    def set_next(self, atom: int, following: int) -> None:
        """Let one atom follow another."""
        self.store(atom + self.machine.next, self.base + following)

    # -- the two calls -----------------------------------------------------------------

    def exec(self, atom: int) -> int:
        """Exec; the return word."""
        return self.session.exec(Address("raw", atom), Address("raw", self.head))

    def wait(self, min_events: int) -> None:
        """Wait from the slot that is to be read next."""
        index = self.consumed % self.slots
        word = self.session.wait(min_events, Address("raw", self.head), index)
        assert_succeeded(self.rig, word)

    def run(self, atom: int) -> int:
        """Run a syslet to its end: the atom in its entry, or -1 where it was cached."""
        if self.rig.is_async:
            flags = self.bytes(atom + self.machine.flags, self.machine.half)
            self.set_flags(atom, int.from_bytes(flags, self.machine.order) | ASYNC)
        word = self.exec(atom)
        assert not self.rig.is_error(word), (
            f"exec: expected an address or NULL, got {self.rig.errno(word)}"
        )
        if word:
            return -1
        self.wait(1)
        return self.take()

    def take(self) -> int:
        """Take the next entry as a program does: the atom in it."""
        index = self.consumed % self.slots
        entry = self.slot(index)
        assert entry >= 0, f"slot {index}: expected an entry, got NULL"
        self.store(self.ring + index * self.machine.word, 0)
        self.consumed += 1
        self.set_head(USER_RING_IDX, self.consumed % self.slots)
        return entry


def assert_cell(raw: Raw, what: str, place: int, expected: int) -> None:
    """A variable holds that."""
    got = raw.load(place)
    assert got == expected, f"{what}: expected {expected:#x}, got {got:#x}"


def assert_entry(entry: int, atom: int) -> None:
    """The entry of a syslet that was not cached is that atom."""
    assert entry in (-1, atom), f"entry: expected the atom at {atom:#x}, got {entry:#x}"


class Fields:
    """An atom ``umem_add(x, 3)`` that stores into `got` and leads to ``add(y, 1)``."""

    def __init__(self, rig: Rig) -> None:
        self.raw = raw = Raw(rig)
        self.size = raw.machine.atom_bytes
        self.x, self.y, self.z, self.got, self.other = (raw.cell() for _ in range(5))
        self.atom, self.second, self.third = (ATOMS + i * self.size for i in range(3))
        raw.add(self.atom, self.x, 3)
        raw.store(self.atom + raw.machine.ret_ptr, raw.base + self.got)
        raw.set_next(self.atom, self.second)
        raw.add(self.second, self.y)
        raw.add(self.third, self.z)

    def assert_left(self, **expected: int) -> None:
        """These variables hold that, and the others nothing."""
        self.raw.run(self.atom)
        for name in ("x", "y", "z", "got", "other"):
            assert_cell(self.raw, name, getattr(self, name), expected.get(name, 0))
