"""What a step gave, and what the reference did in it, as text: for the terminal and for results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from syslet_conformance.calls import Call
from syslet_conformance.program import Atom, Buffer, Bytes, Declaration, Exec, Head, Step
from syslet_conformance.text_format import flags_text
from syslet_layouts import Abi, Flag

Name = Callable[[int], str]
"""An address as ``&label``, NULL, or a number."""

ADDRESSES = frozenset({"address", "head", "next", "pointer", "ret_ptr", "word"})
"""Details of a trace that are addresses."""

CUT_BYTES = 32
"""Longer runs of bytes are cut."""


def gave_text(abi: Abi, name: Name, step: Step, got: object) -> str:
    """What a step gave; "" for one that gives nothing."""
    match got:
        case Call():
            return "started"
        case int():
            null = isinstance(step, Exec) and not got
            return f"returned {'NULL' if null else word_text(abi, name, got)}"
        case list():
            return "got " + (", ".join(word_text(abi, name, word) for word in got) or "none")
        case bytes():
            return f"got {got!r}"
        case _:
            return ""


def word_text(abi: Abi, name: Name, word: int) -> str:
    """A return word: an address by its label, an error by its number."""
    signed = abi.signed(word)
    return str(signed) if -4095 <= signed <= 0 else name(word)


def number_text(abi: Abi, name: Name, word: int) -> str:
    """A word in memory: an address by its label, anything else as a signed number."""
    named = name(word) if word else "0"
    return named if named.startswith("&") else str(abi.signed(word))


def detail_text(abi: Abi, name: Name, detail: Mapping[str, int | str]) -> dict[str, str]:
    """The detail of a trace's event, addresses as labels."""
    return {key: _detail(abi, name, key, value) for key, value in detail.items()}


def _detail(abi: Abi, name: Name, key: str, value: int | str) -> str:
    if not isinstance(value, int):
        return value
    if key == "word":
        return word_text(abi, name, value)
    if key in ADDRESSES:
        return name(value)
    if key == "flags":
        return flags_text(Flag(value)) or "0"
    return number_text(abi, name, value) if key == "value" else str(value)


def parts(abi: Abi, declaration: Declaration, size_bytes: int) -> Iterator[tuple[str, slice]]:
    """What a declaration of that size consists of: fields, words, or one run of bytes."""
    label = declaration.label
    if isinstance(declaration, Bytes | Buffer):
        yield label, slice(0, size_bytes)
    elif isinstance(declaration, Atom | Head):
        places = abi.atom_places if isinstance(declaration, Atom) else abi.head_places
        for place in places:
            if place.offset + place.size_bytes <= size_bytes:
                yield f"{label}.{place.name}", slice(place.offset, place.offset + place.size_bytes)
    else:
        for offset in range(0, size_bytes, abi.word_bytes):
            name = f"{label}+{offset}" if offset else label
            yield name, slice(offset, offset + abi.word_bytes)


def part_text(abi: Abi, name: Name, declaration: Declaration, data: bytes) -> str:
    """What a part of a declaration holds."""
    if isinstance(declaration, Bytes | Buffer):
        more = f" ... ({len(data)} bytes)" if len(data) > CUT_BYTES else ""
        return f"{data[:CUT_BYTES]!r}{more}"
    return number_text(abi, name, int.from_bytes(data, abi.byteorder))
