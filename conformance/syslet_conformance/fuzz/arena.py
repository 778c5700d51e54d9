"""The memory of a stream: one mapping with the same things at the same places for every stream.

In it lie, in this order: numbers ``n0`` to ``n5``, pointers ``p0`` to ``p3``, the descriptors of
the pipes ``a`` and ``b``, ``bad``, the rings ``r0`` and ``r1``, their heads ``h0`` and ``h1``, the
scratch ``s``; an atom ``c`` that a page border runs through; and, up to the last byte before the
guard page, the atoms ``a0`` to ``a7``. A stream names places by their number in `PLACES`, and
values by their number in `NUMBERS` and `CALLS`: the same bytes are a stream on every ABI.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple

from syslet_layouts import ARGUMENTS, Abi, encode_words, packed_size

PAGE_BYTES = 4096
SLOTS = 4
"""The most slots of a ring; what lies behind a smaller one is left free."""

NUMBER_WORDS, POINTER_WORDS, SCRATCH_WORDS = 6, 4, 8
ATOMS = 8
PIPES = ("a", "b")
RINGS, HEADS = ("r0", "r1"), ("h0", "h1")
NO_HEAD = len(HEADS)
"""The number of a head that is not there."""

ENDS = ("a.read", "a.write", "b.read", "b.write")

NUMBERS = (0, 1, 2, 3, 4, 8, 16, -1, -2, 64, "max", "min", 0x7FFF_FFFF, -0x8000_0000, -4096, -14)
"""What a number can be; ``max`` and ``min`` are those of the signed word."""

CALLS = (
    "umem_add",
    "getpid",
    "read",
    "write",
    "lseek",
    "unknown",
    "async_exec",
    "async_wait",
)
"""The calls of streams; each is harmless whatever its arguments are, see `Mirror`."""

UMEM_ADD, GETPID, READ, WRITE, LSEEK, UNKNOWN, ASYNC_EXEC, ASYNC_WAIT = range(len(CALLS))

UNKNOWN_NR = 0x7000_0001
"""The number of ``unknown``. From 0x70000000 on, in 31 bits, no kernel has a call."""

NOWHERE = 16
"""An address in the first page."""


class Place(NamedTuple):
    """Where something lies: a label, a field of the atom there, words and bytes on from it.

    Without a label it is the address `number`; ``end`` is a field right behind the atom, and
    ``packed`` where an atom with `number` arguments starts that ends with the arena.
    """

    label: str
    field: str = ""
    words: int = 0
    odd_bytes: int = 0
    number: int = 0


def _places() -> tuple[Place, ...]:
    found = [Place("")]
    found += [Place(f"n{i}") for i in range(NUMBER_WORDS)]
    found += [Place(f"p{i}") for i in range(POINTER_WORDS)]
    found += [Place(end) for end in ENDS]
    found += [Place("bad")]
    found += [Place("s", words=i) for i in range(SCRATCH_WORDS)]
    found += [Place(f"a{i}") for i in range(ATOMS)]
    found += [Place("c"), Place("a2", words=1), Place("a5", odd_bytes=1)]
    found += [Place("", "packed", number=count) for count in range(4)]
    for i in range(ATOMS):
        fields = ("flags", "nr", "ret_ptr", "next", "arg_ptr[0]")
        found += [Place(f"a{i}", field) for field in fields]
    found += [Place(ring, words=i) for ring in RINGS for i in range(2)]
    found += [Place("a7", "end", words=-1), Place("a7", "end", odd_bytes=-1), Place("a7", "end")]
    found += [Place("s", odd_bytes=3), Place("n0", odd_bytes=1), Place("", number=NOWHERE)]
    found += [Place("", number=-1), Place("", number=-16), Place("", number=-2)]
    return tuple(found)


PLACES = _places()
"""Every place that a pointer of a stream can lead to, the plainest first; the first is NULL."""

CODE = range(PLACES.index(Place("a0")), PLACES.index(Place("", "packed", number=3)) + 1)
"""The places at which a stream has atoms: eight in a row, then those that lie in the way."""

ROW = CODE[:ATOMS]
"""Of them, those in a row."""

OF_NUMBERS = range(1, 1 + NUMBER_WORDS)
OF_POINTERS = range(OF_NUMBERS.stop, OF_NUMBERS.stop + POINTER_WORDS)
OF_ENDS = range(OF_POINTERS.stop, OF_POINTERS.stop + len(ENDS))
OF_BAD = OF_ENDS.stop
OF_SCRATCH = range(OF_BAD + 1, OF_BAD + 1 + SCRATCH_WORDS)
OF_FIELDS = range(CODE.stop, CODE.stop + 5 * ATOMS)
OF_RINGS = range(OF_FIELDS.stop, OF_FIELDS.stop + 4)
OF_EDGES = range(OF_RINGS.stop, len(PLACES))
"""What those numbers stand for, in the order of `PLACES`."""


class Arena:
    """Where all of that lies on one ABI, in an arena at `base`.

    `numbers` are those of the calls of `CALLS`.
    """

    def __init__(self, abi: Abi, base: int, numbers: Mapping[str, int]) -> None:
        self.abi, self.base, self.size_bytes = abi, base, ARENA_BYTES
        self.labels = labels(abi)
        self.addresses = [self._address(place) for place in PLACES]
        self.values = [number_at(abi, index) & abi.word_mask for index in range(len(NUMBERS))]
        self.nrs = [UNKNOWN_NR if name == "unknown" else numbers[name] for name in CALLS]
        self.heads = [base + self.labels[head] for head in HEADS]
        self.no_head = base + self.size_bytes
        """An address at which no head can be read."""
        self.rings = [self.labels[ring] for ring in RINGS]
        """Offsets of the rings."""
        offsets = abi.head_offsets
        self.user_indexes = [self.labels[head] + offsets["user_ring_idx"] for head in HEADS]
        order, code = abi.word_struct.format[0], abi.word_struct.format[1]
        words = NUMBER_WORDS + POINTER_WORDS + len(ENDS)
        self.front_struct = struct.Struct(f"{order}{words}{code}")
        """The numbers, the pointers and the descriptors."""
        self._templates: dict[tuple[int, int], bytes] = {}

    def _address(self, place: Place) -> int:
        if place.field == "packed":
            return self.base + self.size_bytes - packed_size(self.abi, place.number)
        if not place.label:
            return place.number & self.abi.word_mask
        return self.base + self.labels[place.label] + offset_in(self.abi, place)

    def label_at(self, offset: int) -> tuple[str, int]:
        """The label that is last before an offset, and how far behind it that is."""
        at, label = max((at, label) for label, at in self.labels.items() if at <= offset)
        return label, offset - at

    def template(self, slots: tuple[int, int]) -> bytes:
        """The arena before a stream is put there, with rings of that many slots."""
        if slots not in self._templates:
            image, abi = bytearray(self.size_bytes), self.abi
            for head, ring, count in zip(HEADS, self.rings, slots, strict=True):
                words = [0, 0, self.base + ring, count * abi.word_bytes, 0, 0, 0, 0]
                at = self.labels[head]
                image[at : at + abi.head_size] = encode_words(abi, words)
            bad = self.labels["bad"]
            image[bad : bad + abi.word_bytes] = encode_words(abi, [abi.word_mask])
            self._templates[slots] = bytes(image)
        return self._templates[slots]


def offset_in(abi: Abi, place: Place) -> int:
    """How many bytes a place with a label lies behind it."""
    offset = place.words * abi.word_bytes + place.odd_bytes
    if place.field:
        offset += abi.atom_size if place.field == "end" else abi.atom_offsets[place.field]
    return offset


def number_at(abi: Abi, index: int) -> int:
    """The signed number of `NUMBERS` at that index."""
    number = NUMBERS[index]
    limits = {"max": abi.word_max, "min": abi.word_min}
    return limits[number] if isinstance(number, str) else number


def _front(abi: Abi) -> list[tuple[str, int]]:
    """Labels and sizes of what lies before the page border."""
    word = abi.word_bytes
    front = [(f"n{i}", word) for i in range(NUMBER_WORDS)]
    front += [(f"p{i}", word) for i in range(POINTER_WORDS)]
    front += [(end, word) for end in ENDS]
    front += [("bad", word)]
    front += [(ring, SLOTS * word) for ring in RINGS]
    front += [(head, abi.head_size) for head in HEADS]
    return [*front, ("s", SCRATCH_WORDS * word)]


BORDER_ARGUMENT = "arg_ptr[1]"
"""The page border runs right before that field of the atom ``c``."""

ARENA_BYTES = 2 * PAGE_BYTES
"""The size of an arena: whole pages, so that nothing else lies in them."""


def labels(abi: Abi) -> dict[str, int]:
    """The offset of each label."""
    found, offset = dict[str, int](), 0
    for label, size in _front(abi):
        found[label] = offset
        offset += size
    found["c"] = PAGE_BYTES - abi.atom_offsets[BORDER_ARGUMENT]
    for i in range(ATOMS):
        found[f"a{i}"] = ARENA_BYTES - (ATOMS - i) * abi.atom_size
    return found


assert len(PLACES) <= 256
assert ARGUMENTS == 6
