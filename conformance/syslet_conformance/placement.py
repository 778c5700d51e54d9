"""Where a program's declarations lie on an ABI: sizes and offsets, before addresses.

Words, rings, heads, atoms and pipes lie at multiples of the word; so do buffers whose size
is a multiple of it. Strings, and other buffers, lie where the one before ends. A section
ends with its last declaration, because the byte after it is unmapped in an engine. Since
that leaves its address a multiple of the word only where its size is one, the strings at
the end of a section that holds words are moved up until it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from syslet_conformance.program import (
    Address,
    Atom,
    Buffer,
    Bytes,
    Declaration,
    Head,
    Pipe,
    Program,
    ProgramError,
    Ring,
    Section,
    Value,
    Words,
)
from syslet_conformance.validate import check_program, spelled
from syslet_layouts import Abi, packed_size

GREATEST_PROGRAM_BYTES = 1 << 28
"""The largest program that is laid out, all sections together."""


class Placed(NamedTuple):
    """A declaration (never a Section), its byte offset in its section, and its size."""

    declaration: Declaration
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SectionLayout:
    """One mapping. `label` is None for what stands before the first `Section`."""

    label: str | None
    size_bytes: int
    placed: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A program's sections on an ABI, and each label's (section index, byte offset)."""

    abi: Abi
    sections: tuple[SectionLayout, ...]
    labels: Mapping[str, tuple[int, int]]

    def address(self, value: Value, bases: Sequence[int]) -> int:
        """The word that `value` is when section i lies at ``bases[i]``.

        ProgramError where the word of this ABI cannot hold it, or an address is NULL.
        """
        if isinstance(value, Address):
            section, offset = self.labels[value.label]
            word = bases[section] + offset + value.offset
            if not 0 < word <= self.abi.word_mask:
                limits = f"1 to {self.abi.word_mask:#x} on {self.abi.name}"
                raise ProgramError(f"address {spelled(value)} is {word:#x}, wanted {limits}")
            return word
        if not self.abi.word_min <= value <= self.abi.word_mask:
            limits = f"{self.abi.word_min} to {self.abi.word_mask} on {self.abi.name}"
            raise ProgramError(f"{value}, wanted {limits}")
        return self.abi.unsigned(value)


def lay_out(program: Program, abi: Abi) -> Layout:
    """The sizes and offsets of `program` on `abi`. ProgramError if it is not a valid one.

    A section may have 0 bytes: one without declarations.
    """
    check_program(program)
    sections: list[SectionLayout] = []
    labels: dict[str, tuple[int, int]] = {}
    for label, declarations in _sections(program):
        placed = _place(declarations, abi)
        size = placed[-1].offset + placed[-1].size_bytes if placed else 0
        index = len(sections)
        sections.append(SectionLayout(label, size, placed))
        if label is not None:
            labels[label] = index, 0
        for item in placed:
            labels[item.declaration.label] = index, item.offset
            if isinstance(item.declaration, Pipe):
                labels[f"{item.declaration.label}.read"] = index, item.offset
                labels[f"{item.declaration.label}.write"] = index, item.offset + abi.word_bytes
    total = sum(section.size_bytes for section in sections)
    if total > GREATEST_PROGRAM_BYTES:
        raise ProgramError(f"program of {total} bytes, wanted at most {GREATEST_PROGRAM_BYTES}")
    return Layout(abi, tuple(sections), labels)


def _sections(program: Program) -> Iterator[tuple[str | None, list[Declaration]]]:
    label: str | None = None
    declarations: list[Declaration] = []
    for declaration in program.declarations:
        if isinstance(declaration, Section):
            if declarations or label is not None:
                yield label, declarations
            label, declarations = declaration.label, []
        else:
            declarations.append(declaration)
    if declarations or label is not None:
        yield label, declarations


def _size_bytes(declaration: Declaration, abi: Abi) -> int:
    """Of what lies in a section, which a `Section` does not."""
    match declaration:
        case Words(values=values):
            return len(values) * abi.word_bytes
        case Atom(packed=is_packed, args=args):
            return packed_size(abi, len(args)) if is_packed else abi.atom_size
        case Bytes(data=data):
            return len(data)
        case Buffer(size_bytes=size_bytes):
            return size_bytes
        case Pipe():
            return 2 * abi.word_bytes
        case Ring(slots=slots):
            return slots * abi.word_bytes
        case Head() | Section():
            return abi.head_size


def _place(declarations: list[Declaration], abi: Abi) -> tuple[Placed, ...]:
    """The declarations of one section in order; see the head of this file."""
    placed: list[Placed] = []
    offset, last_aligned, word_bytes = 0, -1, abi.word_bytes
    for index, declaration in enumerate(declarations):
        size = _size_bytes(declaration, abi)
        if size % word_bytes == 0 and not isinstance(declaration, Bytes):
            offset += -offset % word_bytes
            last_aligned = index
        placed.append(Placed(declaration, offset, size))
        offset += size
    shift = -offset % abi.word_bytes
    if last_aligned >= 0 and shift:
        for index in range(last_aligned + 1, len(placed)):
            item = placed[index]
            placed[index] = Placed(item.declaration, item.offset + shift, item.size_bytes)
    return tuple(placed)
