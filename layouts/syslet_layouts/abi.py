"""The table of ABIs, and what follows from a row of it.

An `Abi` derives every size, offset and `struct` format from the construct definitions;
nothing here writes one down.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from construct import Array, Int32ub, Int32ul, Int64ub, Int64ul, Renamed

from syslet_layouts.definition import (
    Definition,
    Field,
    atom_definition,
    flags_definition,
    head_definition,
    ring_definition,
)
from syslet_layouts.errors import LayoutError


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """Where one number lies: ``arg_ptr[2]`` at byte `offset`, `size_bytes` wide."""

    name: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, eq=False)
class Abi:
    """One machine's layout: its name, and construct's fields for a word and for flags / nr."""

    name: str
    word: Field
    half: Field

    def __repr__(self) -> str:
        return f"Abi({self.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return abi_named, (self.name,)

    # -- the definitions ---------------------------------------------------------------

    @cached_property
    def atom(self) -> Definition:
        """construct's definition of ``struct syslet_uatom``."""
        return atom_definition(self.word, self.half)

    @cached_property
    def head(self) -> Definition:
        """construct's definition of ``struct async_head_user``."""
        return head_definition(self.word)

    @cached_property
    def ring(self) -> Any:
        """construct's definition of a completion ring."""
        return ring_definition(self.word)

    @cached_property
    def flags(self) -> Any:
        """construct's definition of the flags field, bit by bit."""
        return flags_definition(self.half)

    # -- what is derived from them -----------------------------------------------------

    @cached_property
    def word_bytes(self) -> int:
        """Bytes of a word: 4 or 8."""
        return int(self.word.sizeof())

    @cached_property
    def word_mask(self) -> int:
        """The greatest word."""
        return (1 << 8 * self.word_bytes) - 1

    @cached_property
    def word_min(self) -> int:
        """The least signed word."""
        return -(1 << 8 * self.word_bytes - 1)

    @cached_property
    def word_max(self) -> int:
        """The greatest signed word."""
        return (1 << 8 * self.word_bytes - 1) - 1

    @cached_property
    def byteorder(self) -> Literal["big", "little"]:
        """``little`` or ``big``."""
        return "big" if self.word.fmtstr.startswith(">") else "little"

    @cached_property
    def atom_size(self) -> int:
        """Bytes of a full atom, which is the stride of SKIP_TO_NEXT_ON_STOP."""
        return int(self.atom.sizeof())

    @cached_property
    def head_size(self) -> int:
        """Bytes of the descriptor."""
        return int(self.head.sizeof())

    @cached_property
    def atom_places(self) -> tuple[FieldPlace, ...]:
        """Every number of an atom in the order in which it lies there."""
        return tuple(_places(self.atom))

    @cached_property
    def head_places(self) -> tuple[FieldPlace, ...]:
        """Every number of a descriptor in the order in which it lies there."""
        return tuple(_places(self.head))

    @cached_property
    def atom_offsets(self) -> dict[str, int]:
        """Byte offset of each field of an atom (``arg_ptr[0]`` to ``arg_ptr[5]``)."""
        return {place.name: place.offset for place in self.atom_places}

    @cached_property
    def head_offsets(self) -> dict[str, int]:
        """Byte offset of each field of the descriptor."""
        return {place.name: place.offset for place in self.head_places}

    @cached_property
    def atom_struct(self) -> struct.Struct:
        """The atom for the `struct` module."""
        return _fast(self.atom)

    @cached_property
    def head_struct(self) -> struct.Struct:
        """The descriptor for the `struct` module."""
        return _fast(self.head)

    @cached_property
    def word_struct(self) -> struct.Struct:
        """One unsigned word for the `struct` module."""
        return struct.Struct(self.word.fmtstr)

    def signed(self, word: int) -> int:
        """The signed value of an unsigned word."""
        return word - self.word_mask - 1 if word > self.word_max else word

    def unsigned(self, value: int) -> int:
        """The word that holds `value`, modulo its size."""
        return value & self.word_mask


ABIS: dict[str, Abi] = {
    abi.name: abi
    for abi in (
        Abi("ilp32-le", word=Int32ul, half=Int32ul),
        Abi("ilp32-be", word=Int32ub, half=Int32ub),
        Abi("lp64-le", word=Int64ul, half=Int64ul),
        Abi("lp64-be", word=Int64ub, half=Int64ub),
        Abi("fixed64-le", word=Int64ul, half=Int32ul),
    )
}
"""Every ABI by name; the last row is the later revision with fields of fixed size."""


def abi_named(name: str) -> Abi:
    """The ABI of that name. LayoutError with the names that there are."""
    try:
        return ABIS[name]
    except KeyError:
        raise LayoutError(f"no ABI {name!r}; wanted one of {', '.join(ABIS)}") from None


def _numbers(definition: Any, name: str = "") -> Iterator[tuple[str, Field]]:
    """The number fields of a construct definition in order, with their names."""
    if isinstance(definition, Renamed):
        yield from _numbers(definition.subcon, definition.name or name)
    elif isinstance(definition, Array):
        count: Any = definition.count
        for index in range(count):
            yield from _numbers(definition.subcon, f"{name}[{index}]")
    elif hasattr(definition, "subcons"):
        for part in definition.subcons:
            yield from _numbers(part)
    else:
        yield name, definition


def _places(definition: Any) -> Iterator[FieldPlace]:
    offset = 0
    for name, number in _numbers(definition):
        yield FieldPlace(name, offset, number.length)
        offset += number.length


def _fast(definition: Any) -> struct.Struct:
    formats = [number.fmtstr for _, number in _numbers(definition)]
    return struct.Struct(formats[0][0] + "".join(fmt[1:] for fmt in formats))
