"""Streams of random bytes in place of atoms, that a real kernel may be given as well.

What is random: how many atoms, all bits of their flags, which call with which arguments, every
pointer and every byte that stands for nothing. What is not:

- A call's number is out of `CALLS`, each harmless with these arguments, or from 0x70000000 on,
  where no kernel has any.
- A pointer through which something is written or run, and an argument of a call that exists,
  is NULL, in the first or the last page, in the test's own memory, or right behind it. A word
  at large could hit the memory of the engine's own process, where a word has 4 bytes.
- `next` leads forward, so that a stream ends; what is read has data waiting, so that it does
  not block.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from syslet_conformance.builder import Build
from syslet_conformance.program import Address, Buffer, Value, Words
from syslet_conformance.session import Session
from syslet_conformance.suite.hostile import end_of_memory, tops
from syslet_conformance.suite.steps import UNREADABLE
from syslet_layouts import ARGUMENTS, Abi, Flag, SysletUatom, encode_atom

CALLS: dict[str, tuple[str, ...]] = {
    "getpid": (),
    "umem_add": ("pointers", "numbers"),
    "read": ("sources", "pointers", "counts"),
    "write": ("sinks", "pointers", "counts"),
    "lseek": ("sources", "numbers", "numbers"),
    "async_exec": ("numbers", "numbers"),
    "async_wait": ("numbers", "numbers", "numbers"),
}
"""Harmless calls, and the kind of each argument."""

NOBODYS_NUMBERS = 0x7000_0000
"""From here on, in 31 bits, no kernel has a call."""

MOST_ATOMS = 6
MOST_COUNT = 16
SCRATCH_BYTES = 256

MOST_READ = MOST_ATOMS * MOST_COUNT
"""The most bytes that one stream reads from ``input``, or writes into ``output``."""


@dataclass(slots=True)
class Stream:
    """The bytes of atoms, which of them are whole, and where in the scratch they may write."""

    image: bytes
    first: int
    """The address of the first atom; the last byte of the stream is the last of its section."""
    writes: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of offsets in the scratch."""


def _arguments(abi: Abi) -> dict[str, list[Value]]:
    """The words of each kind that argument pointers point to."""
    inside = [0, 1, abi.word_bytes, 64, 64 + abi.word_bytes - 1, SCRATCH_BYTES - MOST_COUNT]
    at_end = [SCRATCH_BYTES - 1, SCRATCH_BYTES - abi.word_bytes + 1, SCRATCH_BYTES]
    places: list[Value] = [Address("scratch", offset) for offset in (*inside, *at_end)]
    return {
        "pointers": [*places, 0, UNREADABLE, tops(abi)[0]],
        "numbers": [0, 1, -1, 3, abi.word_max, abi.word_min],
        "counts": [0, 1, abi.word_bytes, MOST_COUNT],
    }


def arena(build: Build, abi: Abi) -> None:
    """Declare what the streams use: pipes, arguments, the scratch, guards, and their section."""
    for name in ("input", "output"):
        build.pipe(name)
    build.section("arguments")
    for kind, values in _arguments(abi).items():
        build.code.append(Words(kind, tuple(values)))
    build.code.append(Words("nobodys", (-1, 1 << 30)))
    build.section("guard")
    build.code.append(Buffer("guard_bytes", 64))
    end_of_memory(build, SCRATCH_BYTES, "scratch")
    build.section("second_guard")
    build.code.append(Buffer("second_guard_bytes", 64))
    end_of_memory(build, MOST_ATOMS * abi.atom_size, "stream")


class Streams:
    """Draws streams for one loaded `arena`."""

    def __init__(self, session: Session, random: Random) -> None:
        self.session, self.abi, self.random = session, session.abi, random
        self._arguments = _arguments(self.abi)
        self._scratch = session.address("scratch")
        self._numbers = {
            name: number
            for name in CALLS
            if (number := session.engine.syscall_number(name)) is not None
        }

    def draw(self, *, near_valid: bool, flags: Flag) -> Stream:
        """A stream whose first atom has `flags` among its own."""
        random, size = self.random, self.abi.atom_size
        count = random.randint(1, MOST_ATOMS)
        cut = random.choice((0, 0, random.randrange(size)))
        first = self.session.address("stream") + (MOST_ATOMS - count) * size + cut
        stream = Stream(b"", first)
        draw = self._near_valid if near_valid else self._at_large
        for index in range(count):
            stream.image += draw(stream, index, count, flags if index == 0 else Flag(0))
        stream.image = stream.image[: count * size - cut]
        return stream

    def _at_large(self, stream: Stream, index: int, count: int, flags: Flag) -> bytes:
        """An atom of random bytes, but for what would do harm."""
        abi, random = self.abi, self.random
        nr_bits = 8 * abi.atom_places[1].size_bytes
        nr = random.randrange(NOBODYS_NUMBERS, 1 << 31)
        if nr_bits > 32:
            nr |= random.getrandbits(nr_bits - 32) << 32
        bits = random.getrandbits(8 * abi.atom_places[0].size_bytes)
        readable = [0, self.session.address("numbers"), self.session.address("scratch")]
        tame = random.random() < 0.5
        pointers = [
            random.choice(readable) if tame else self._word_at_large() for _ in range(ARGUMENTS)
        ]
        atom = SysletUatom._make(
            (
                bits | int(flags),
                nr,
                self._ret_ptr(stream),
                self._next(stream, index, count),
                *pointers,
                self._word_at_large(),
            )
        )
        return encode_atom(abi, atom)

    def _near_valid(self, stream: Stream, index: int, count: int, flags: Flag) -> bytes:
        """An atom of a call that exists, with something in it that need not be right."""
        abi, random = self.abi, self.random
        name = random.choice(sorted(self._numbers))
        bits = random.getrandbits(8)
        if random.random() < 0.2:
            bits |= random.getrandbits(8 * abi.atom_places[0].size_bytes)
        atom = SysletUatom._make(
            (
                bits | int(flags),
                self._numbers[name],
                self._ret_ptr(stream),
                self._next(stream, index, count),
                *self._argument_pointers(stream, name),
                self._word_at_large(),
            )
        )
        return encode_atom(abi, atom)

    def _word_at_large(self) -> int:
        word = self.random.getrandbits(8 * self.abi.word_bytes)
        return self.random.choice((word, word, 0, UNREADABLE, self.session.address("numbers")))

    def _nowhere(self) -> int:
        return self.random.choice((UNREADABLE, *tops(self.abi)))

    def _next(self, stream: Stream, index: int, count: int) -> int:
        later = [stream.first + i * self.abi.atom_size for i in range(index + 1, count)]
        return self.random.choice((*later, *later, 0, self._nowhere()))

    def _may_write(self, stream: Stream, address: int, size_bytes: int) -> None:
        start = address - self._scratch
        stream.writes.append((max(start, 0), min(start + size_bytes, SCRATCH_BYTES)))

    def _ret_ptr(self, stream: Stream) -> int:
        place = self._scratch + self.random.randrange(SCRATCH_BYTES + 1)
        ret_ptr = self.random.choice((place, place, 0, self._nowhere()))
        if ret_ptr == place:
            self._may_write(stream, place, self.abi.word_bytes)
        return ret_ptr

    def _argument_pointers(self, stream: Stream, name: str) -> list[int]:
        """Pointers to words of the right kinds; one of them, at times, is NULL or nowhere.

        The first is never NULL: 0 is a descriptor of somebody's.
        """
        random, session = self.random, self.session
        chosen: dict[str, int] = {}
        pointers: list[int] = []
        for kind in CALLS[name]:
            if kind in ("sources", "sinks"):
                end = Address("input.read" if kind == "sources" else "output.write")
                nobodys = Address("nobodys", random.randrange(2) * self.abi.word_bytes)
                pointers.append(session.address(random.choice((end, end, end, nobodys))))
                continue
            values = self._arguments[kind]
            index = random.randrange(len(values))
            pointers.append(session.address(Address(kind, index * self.abi.word_bytes)))
            chosen[kind] = session.address(values[index])
        if name in ("umem_add", "read"):
            size = self.abi.word_bytes if name == "umem_add" else chosen["counts"]
            if self._scratch <= chosen["pointers"] < self._scratch + SCRATCH_BYTES:
                self._may_write(stream, chosen["pointers"], size)
        more = random.randrange(ARGUMENTS + 1 - len(pointers))
        pointers += [session.address("numbers")] * more
        pointers += [0] * (ARGUMENTS - len(pointers))
        if random.random() < 0.2:
            pointers[random.randrange(1, ARGUMENTS)] = random.choice((0, self._nowhere()))
        return pointers
