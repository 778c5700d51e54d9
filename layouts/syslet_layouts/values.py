"""Atoms, descriptors and rings as values, to bytes and back.

Every function is total but for `LayoutError`, whose line names the field, its offset, the
ABI, and what was wanted and got.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from syslet_layouts.abi import ABIS, Abi, FieldPlace
from syslet_layouts.definition import ARGUMENTS
from syslet_layouts.errors import LayoutError


class SysletUatom(NamedTuple):
    """``struct syslet_uatom``; every field an unsigned number that fits its place."""

    flags: int = 0
    nr: int = 0
    ret_ptr: int = 0
    next: int = 0
    arg_ptr0: int = 0
    arg_ptr1: int = 0
    arg_ptr2: int = 0
    arg_ptr3: int = 0
    arg_ptr4: int = 0
    arg_ptr5: int = 0
    private: int = 0

    @property
    def arg_ptr(self) -> tuple[int, ...]:
        """The six argument pointers."""
        return self[4 : 4 + ARGUMENTS]

    @property
    def parameters(self) -> int:
        """How many parameters are fetched: the pointers before the first NULL (arg.null-ends)."""
        pointers = self.arg_ptr
        return pointers.index(0) if 0 in pointers else ARGUMENTS


class AsyncHeadUser(NamedTuple):
    """``struct async_head_user``; every field an unsigned word."""

    kernel_ring_idx: int = 0
    user_ring_idx: int = 0
    completion_ring: int = 0
    ring_size_bytes: int = 0
    head_stack: int = 0
    head_eip: int = 0
    new_thread_stack: int = 0
    new_thread_eip: int = 0


def packed_size(abi: Abi, parameters: int) -> int:
    """Bytes of an atom with that many parameters, cut off right after its first NULL.

    The whole atom where all six are used, since there is no NULL then (arg.packed-atom).
    """
    if not 0 <= parameters <= ARGUMENTS:
        raise LayoutError(
            f"arg_ptr of {abi.name}: wanted 0 to {ARGUMENTS} parameters, got {parameters}"
        )
    if parameters == ARGUMENTS:
        return abi.atom_size
    place = abi.atom_places[4 + parameters]
    return place.offset + place.size_bytes


def encode_atom(abi: Abi, atom: SysletUatom, *, packed: bool = False) -> bytes:
    """The bytes of `atom`: a full one, or cut off after its first NULL argument pointer."""
    data = _encode(abi, abi.atom_struct, abi.atom_places, atom, "atom")
    return data[: packed_size(abi, atom.parameters)] if packed else data


def decode_atom(abi: Abi, data: bytes, *, packed: bool = False) -> SysletUatom:
    """The atom that `data` holds: exactly one, full or packed; what was cut off reads as 0."""
    if not packed:
        return SysletUatom(*_decode(abi, abi.atom_struct, abi.atom_places, data, "atom"))
    numbers: list[int] = []
    for place in abi.atom_places:
        end = place.offset + place.size_bytes
        if len(data) < end:
            raise LayoutError(
                f"{place.name} at offset {place.offset} of a packed {abi.name} atom: "
                f"wanted {end} bytes, got {len(data)}"
            )
        number = int.from_bytes(data[place.offset : end], abi.byteorder)
        numbers.append(number)
        if place.name.startswith("arg_ptr") and number == 0:
            break
    atom = SysletUatom(*numbers)
    _check_length(abi, data, packed_size(abi, atom.parameters), "packed atom")
    return atom


def iter_atoms(abi: Abi, data: bytes) -> Iterator[SysletUatom]:
    """Full atoms that lie one after the other, in bulk."""
    if len(data) % abi.atom_size:
        raise LayoutError(
            f"stream of {abi.name} atoms: wanted a multiple of {abi.atom_size} bytes, "
            f"got {len(data)}: {len(data) % abi.atom_size} trail at offset "
            f"{len(data) - len(data) % abi.atom_size}"
        )
    return map(SysletUatom._make, abi.atom_struct.iter_unpack(data))


def encode_head(abi: Abi, head: AsyncHeadUser) -> bytes:
    """The bytes of the descriptor."""
    return _encode(abi, abi.head_struct, abi.head_places, head, "async_head_user")


def decode_head(abi: Abi, data: bytes) -> AsyncHeadUser:
    """The descriptor that `data` holds, exactly one."""
    return AsyncHeadUser(*_decode(abi, abi.head_struct, abi.head_places, data, "async_head_user"))


def encode_words(abi: Abi, words: Iterable[int], name: str = "word") -> bytes:
    """Consecutive words (a ring's slots, variables); a negative one as two's complement."""
    numbers = list(words)
    for index, number in enumerate(numbers):
        if not abi.word_min <= number <= abi.word_mask:
            raise LayoutError(
                f"{name}[{index}] at offset {index * abi.word_bytes} of {abi.name}: wanted "
                f"{abi.word_bytes} bytes ({abi.word_min} to {abi.word_mask}), got {number}"
            )
    pack = abi.word_struct.pack
    return b"".join([pack(number & abi.word_mask) for number in numbers])


def decode_words(abi: Abi, data: bytes, name: str = "word") -> list[int]:
    """Consecutive unsigned words."""
    if len(data) % abi.word_bytes:
        raise LayoutError(
            f"{name} at offset {len(data) - len(data) % abi.word_bytes} of {abi.name}: wanted a "
            f"multiple of {abi.word_bytes} bytes, got {len(data)}"
        )
    return [word for (word,) in abi.word_struct.iter_unpack(data)]


def encode_ring(abi: Abi, slots: Sequence[int]) -> bytes:
    """The bytes of a completion ring (layout.ring-slots)."""
    return encode_words(abi, slots, "slot")


def decode_ring(abi: Abi, data: bytes) -> list[int]:
    """The slots of a completion ring."""
    return decode_words(abi, data, "slot")


def _encode(
    abi: Abi,
    fast: struct.Struct,
    places: tuple[FieldPlace, ...],
    numbers: tuple[int, ...],
    what: str,
) -> bytes:
    try:
        return fast.pack(*numbers)
    except (struct.error, TypeError):
        for place, number in zip(places, numbers, strict=True):
            greatest = (1 << 8 * place.size_bytes) - 1
            if not isinstance(number, int) or not 0 <= number <= greatest:
                raise LayoutError(
                    f"{place.name} at offset {place.offset} of {abi.name} {what}: wanted "
                    f"{place.size_bytes} bytes (0 to {greatest}), got {number!r}"
                ) from None
        raise


def _decode(
    abi: Abi, fast: struct.Struct, places: tuple[FieldPlace, ...], data: bytes, what: str
) -> tuple[int, ...]:
    if len(data) < fast.size:
        short = next(p for p in places if len(data) < p.offset + p.size_bytes)
        raise LayoutError(
            f"{short.name} at offset {short.offset} of {abi.name} {what}: wanted {fast.size} "
            f"bytes, got {len(data)}"
        )
    _check_length(abi, data, fast.size, what)
    return fast.unpack(data)


def _check_length(abi: Abi, data: bytes, wanted: int, what: str) -> None:
    if len(data) != wanted:
        raise LayoutError(
            f"trailing bytes at offset {wanted} of {abi.name} {what}: wanted {wanted} bytes, "
            f"got {len(data)}"
        )


def _check_field_order() -> None:
    """The values above list the fields in the order of the definitions, or nothing works."""
    for abi in ABIS.values():
        flat = tuple(p.name.replace("[", "").replace("]", "") for p in abi.atom_places)
        if flat != SysletUatom._fields:
            raise AssertionError(f"SysletUatom is not in the order of {abi.name}: {flat}")
        if tuple(p.name for p in abi.head_places) != AsyncHeadUser._fields:
            raise AssertionError(f"AsyncHeadUser is not in the order of {abi.name}")


_check_field_order()
