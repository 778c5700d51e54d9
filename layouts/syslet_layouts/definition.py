"""The layouts as construct definitions: the one source of every size and offset.

Field order is that of the ABI (layout.atom-fields, layout.head-fields, layout.ring-slots).
`word` and `half` are construct's number fields: a word holds addresses, and `half` is what
holds flags and nr, which is the word itself on every ABI but the fixed-size one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from construct import Array, FlagsEnum, FormatField, GreedyRange, Struct

from syslet_layouts.flags import Flag

ARGUMENTS = 6
"""How many argument pointers an atom has."""

if TYPE_CHECKING:
    Field: TypeAlias = FormatField[Any, Any]
else:
    Field = FormatField

Definition: TypeAlias = Struct


def atom_definition(word: Field, half: Field) -> Definition:
    """``struct syslet_uatom``: 11 fields, 44 / 88 / 80 bytes."""
    return Struct(
        "flags" / half,
        "nr" / half,
        "ret_ptr" / word,
        "next" / word,
        "arg_ptr" / Array(ARGUMENTS, word),
        "private" / word,
    )


def head_definition(word: Field) -> Definition:
    """``struct async_head_user``: 8 words, 32 / 64 bytes."""
    return Struct(
        "kernel_ring_idx" / word,
        "user_ring_idx" / word,
        "completion_ring" / word,
        "ring_size_bytes" / word,
        "head_stack" / word,
        "head_eip" / word,
        "new_thread_stack" / word,
        "new_thread_eip" / word,
    )


def ring_definition(word: Field) -> Any:
    """The completion ring: atom pointers, one word each, as many as there are."""
    return GreedyRange(word)


def flags_definition(half: Field) -> Any:
    """The flags field, bit by bit."""
    return FlagsEnum(half, Flag)
