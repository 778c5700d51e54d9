"""The image file as construct definitions: sections, symbols, relocations, steps.

Numbers of the container are big-endian on every ABI; what lies in a section is in the
ABI's own order. ``at`` is the byte offset of a record in the file, for error messages.

===========  ===========================================================================
magic        ``SYSLETIM``, then the version, 16 bits
abi          name of the ABI
sections     each: label (empty: what stands before the first), load address, bytes
symbols      each declaration in order: kind, section, offset and size in bytes, label,
             and the label of a head's ring
relocations  what stands at an offset of a section: an address, a syscall's name, or what
             a head takes from its ring
steps        each: kind and its arguments
===========  ===========================================================================
"""

from __future__ import annotations

import io
from typing import Any

from construct import (
    BytesInteger,
    Const,
    ConstructError,
    Error,
    Flag,
    GreedyBytes,
    If,
    Int8ub,
    Int16ub,
    Int32ub,
    Int64ub,
    PascalString,
    Pass,
    Prefixed,
    PrefixedArray,
    Struct,
    Switch,
    Tell,
    Terminated,
    this,
)

from syslet_conformance.program import ProgramError

MAGIC = b"SYSLETIM"
VERSION = 1
LONGEST_REASON = 120
"""Characters of a reason in an error message: construct puts hostile bytes into some."""

WORDS, BYTES, BUFFER, PIPE, RING, HEAD, ATOM, PACKED_ATOM = range(8)
"""Kinds of symbol."""

ADDRESS, NAME, OF_RING = range(3)
"""Kinds of relocation."""

EXEC, WAIT, FEED, DRAIN, CLOSE, CONSUME, JOIN, STORE, POKE, UNMAP = range(10)
"""Kinds of step."""

_Name = PascalString(Int8ub, "ascii")
_Data = Prefixed(Int32ub, GreedyBytes)
_Number: Any = BytesInteger(16, signed=True)
_Value = Struct("label" / _Name, "number" / _Number)
_Perhaps = Struct("given" / Flag, "number" / If(this.given, _Number))

_SECTION = Struct("at" / Tell, "label" / _Name, "address" / Int64ub, "data" / _Data)
_SYMBOL = Struct(
    "at" / Tell,
    "kind" / Int8ub,
    "section" / Int16ub,
    "offset" / Int32ub,
    "size_bytes" / Int32ub,
    "label" / _Name,
    "ring" / _Name,
)
_RELOCATION = Struct(
    "at" / Tell, "kind" / Int8ub, "section" / Int16ub, "offset" / Int32ub, "name" / _Name
)
_STEP = Struct(
    "at" / Tell,
    "kind" / Int8ub,
    "of"
    / Switch(
        this.kind,
        {
            EXEC: Struct("atom" / _Value, "head" / _Value, "started" / Flag),
            WAIT: Struct(
                "min_events" / _Number,
                "head" / _Value,
                "user_ring_idx" / _Perhaps,
                "started" / Flag,
            ),
            FEED: Struct("pipe" / _Name, "data" / _Data),
            DRAIN: Struct("pipe" / _Name, "count" / _Number),
            CLOSE: Struct("end" / _Name),
            CONSUME: Struct("head" / _Name, "count" / _Perhaps),
            JOIN: Pass,
            STORE: Struct("place" / _Value, "words" / PrefixedArray(Int32ub, _Value)),
            POKE: Struct("place" / _Value, "data" / _Data),
            UNMAP: Struct("section" / _Name),
        },
        default=Error,
    ),
)

IMAGE: Any = Struct(
    "magic" / Const(MAGIC),
    "version" / Const(VERSION, Int16ub),
    "abi" / _Name,
    "sections" / PrefixedArray(Int16ub, _SECTION),
    "symbols" / PrefixedArray(Int32ub, _SYMBOL),
    "relocations" / PrefixedArray(Int32ub, _RELOCATION),
    "steps" / PrefixedArray(Int32ub, _STEP),
    Terminated,
)


def read_container(data: bytes) -> Any:
    """The records of an image. ProgramError with the offset at which it goes wrong."""
    stream = io.BytesIO(data)
    try:
        return IMAGE.parse_stream(stream)
    except (ConstructError, UnicodeDecodeError) as error:
        raise ProgramError(
            f"image offset {stream.tell()}: {_reason(error)}, wanted {_wanted(error)}"
        ) from None


def write_container(**records: Any) -> bytes:
    """The image that holds these records. ProgramError where one does not fit its field."""
    try:
        return bytes(IMAGE.build(records))
    except (ConstructError, UnicodeEncodeError) as error:
        raise ProgramError(f"image: {_reason(error)}, wanted {_wanted(error)}") from None


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1][:LONGEST_REASON] if lines else type(error).__name__


def _wanted(error: Exception) -> str:
    path = str(getattr(error, "path", None) or "")
    for direction in ("(parsing)", "(building)"):
        path = path.replace(direction, "")
    place = path.strip(" ->").replace(" -> ", ".")
    return f"an image of version {VERSION} ({place or 'its text in ASCII'})"
