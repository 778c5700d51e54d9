"""A stream as a value, and as bytes: what lies in the arena, and the steps that are taken.

Any bytes are a stream: what is too short goes on with zeros, what is too long ends early, and
every number counts modulo what there is. The bytes of a stream lead back to it. The plainest
choice is 0 everywhere. docs/fuzzing-targets.md has the format.
"""

from __future__ import annotations

from typing import NamedTuple

from syslet_conformance.fuzz.arena import (
    ATOMS,
    CALLS,
    CODE,
    ENDS,
    HEADS,
    NO_HEAD,
    NUMBER_WORDS,
    NUMBERS,
    PIPES,
    PLACES,
    POINTER_WORDS,
    SLOTS,
    Arena,
)
from syslet_layouts import ARGUMENTS

MOST_STEPS = 24
WAITS = (1, 0, 2, 3, 4, 5, 99)
"""What ``min_events`` can be."""

MOST_BYTES = 16
"""The most that is fed or drained at once; what fills a pipe is `FILL_BYTES`."""

FILL_BYTES = 65536
DRAIN_BYTES = 8192

KINDS = ("exec", "wait", "consume", "feed", "drain", "close", "store", "poke", "fill", "empty")
EXEC, WAIT, CONSUME, FEED, DRAIN, CLOSE, STORE, POKE, FILL, EMPTY = range(len(KINDS))

FLAGS_AT_LARGE = 0xC0DE_F500
"""The bits above those that mean something, where an atom has them."""


class Drawn(NamedTuple):
    """An atom: numbers of `PLACES`, but `at` of `CODE`, `call` of `CALLS`, `private` of `NUMBERS`.

    `flags` are the 8 bits that mean something; `at_large`: those above are set, too.
    """

    at: int
    flags: int
    call: int
    ret: int
    next: int
    args: tuple[int, ...]
    private: int = 0
    at_large: int = 0

    @property
    def all_flags(self) -> int:
        """Those that mean something, and those above, of 32 bits."""
        return self.flags | FLAGS_AT_LARGE if self.at_large else self.flags


class Step(NamedTuple):
    """A step: its kind of `KINDS`, and up to three numbers.

    exec PLACE HEAD, or `NO_HEAD`; wait of `WAITS` HEAD INDEX+1 (0: that which the program has come
    to); consume COUNT (0: all) HEAD; feed and drain PIPE COUNT-1; close of `ENDS`; store PLACE of
    `NUMBERS`; poke PLACE OFFSET BYTE; fill and empty PIPE.
    """

    kind: int
    a: int = 0
    b: int = 0
    c: int = 0


class Stream(NamedTuple):
    """Slots of the rings; what is in the numbers and pointers; atoms by place; and the steps."""

    slots: tuple[int, int]
    numbers: tuple[int, ...]
    pointers: tuple[int, ...]
    atoms: tuple[Drawn, ...]
    steps: tuple[Step, ...]


LIMITS = {
    EXEC: (len(PLACES), NO_HEAD + 1, 1),
    WAIT: (len(WAITS), len(HEADS), 3),
    CONSUME: (3, len(HEADS), 1),
    FEED: (len(PIPES), MOST_BYTES, 1),
    DRAIN: (len(PIPES), MOST_BYTES, 1),
    CLOSE: (len(ENDS), 1, 1),
    STORE: (len(PLACES), len(NUMBERS), 1),
    POKE: (len(PLACES), 128, 256),
    FILL: (len(PIPES), 1, 1),
    EMPTY: (len(PIPES), 1, 1),
}
"""How many values each number of a step can have."""

HEADER_BYTES = 4 + NUMBER_WORDS + POINTER_WORDS
ATOM_BYTES = 8 + ARGUMENTS
STEP_BYTES = 4
MOST_STREAM_BYTES = HEADER_BYTES + ATOMS * ATOM_BYTES + MOST_STEPS * STEP_BYTES


def to_bytes(stream: Stream) -> bytes:
    """The stream as bytes: header, atoms, steps."""
    data = bytearray(slots - 1 for slots in stream.slots)
    data += bytes([len(stream.atoms), len(stream.steps)])
    data += bytes(stream.numbers) + bytes(stream.pointers)
    for atom in stream.atoms:
        fixed = (atom.at - CODE.start, atom.flags, atom.call, atom.ret, atom.next)
        args = (*atom.args, *(0,) * (ARGUMENTS - len(atom.args)))
        extra = atom.private | atom.at_large << 7
        data += bytes((*fixed, len(atom.args), extra, 0, *args))
    for step in stream.steps:
        data += bytes(step)
    return bytes(data)


def of_bytes(data: bytes) -> Stream:
    """The stream that any bytes are."""
    data = data[:MOST_STREAM_BYTES].ljust(MOST_STREAM_BYTES, b"\0")
    slots = (data[0] % SLOTS + 1, data[1] % SLOTS + 1)
    atom_count, step_count = data[2] % (ATOMS + 1), data[3] % (MOST_STEPS + 1)
    numbers = tuple(byte % len(NUMBERS) for byte in data[4 : 4 + NUMBER_WORDS])
    pointers = tuple(byte % len(PLACES) for byte in data[4 + NUMBER_WORDS : HEADER_BYTES])
    atoms: dict[int, Drawn] = {}
    at = HEADER_BYTES
    for _ in range(atom_count):
        atom = _atom(data[at : at + ATOM_BYTES])
        atoms[atom.at] = atom
        at += ATOM_BYTES
    steps = []
    for _ in range(step_count):
        steps.append(_step(data[at : at + STEP_BYTES]))
        at += STEP_BYTES
    in_order = tuple(atoms[place] for place in sorted(atoms))
    return Stream(slots, numbers, pointers, in_order, tuple(steps))


def _atom(data: bytes) -> Drawn:
    places = len(PLACES)
    count = data[5] % (ARGUMENTS + 1)
    return Drawn(
        at=CODE[data[0] % len(CODE)],
        flags=data[1],
        call=data[2] % len(CALLS),
        ret=data[3] % places,
        next=data[4] % places,
        args=tuple(byte % places for byte in data[8 : 8 + count]),
        private=data[6] % 128 % len(NUMBERS),
        at_large=data[6] >> 7,
    )


def _step(data: bytes) -> Step:
    kind = data[0] % len(KINDS)
    limits = LIMITS[kind]
    return Step(kind, data[1] % limits[0], data[2] % limits[1], data[3] % limits[2])


def image(stream: Stream, arena: Arena, fds: tuple[int, ...]) -> bytearray:
    """The arena's bytes when the stream starts; `fds` are the descriptors of `ENDS`."""
    abi, addresses, values = arena.abi, arena.addresses, arena.values
    data = bytearray(arena.template(stream.slots))
    words = [values[number] for number in stream.numbers]
    words += [addresses[place] for place in stream.pointers]
    words += fds
    arena.front_struct.pack_into(data, 0, *words)
    pack, base, atom_size = abi.atom_struct.pack, arena.base, abi.atom_size
    for atom in stream.atoms:
        start = addresses[atom.at] - base
        args = [addresses[place] for place in atom.args]
        args += (0,) * (ARGUMENTS - len(args))
        of_atom = pack(
            atom.all_flags,
            arena.nrs[atom.call],
            addresses[atom.ret],
            addresses[atom.next],
            *args,
            values[atom.private],
        )
        end = start + atom_size
        if end <= len(data):
            data[start:end] = of_atom
        else:
            data[start:] = of_atom[: len(data) - start]
    return data
