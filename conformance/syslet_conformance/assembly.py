"""A program to an image file: its sections' bytes, and what brings its labels back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syslet_conformance import container
from syslet_conformance.container import write_container
from syslet_conformance.loading import section_bytes
from syslet_conformance.numbers import image_numbers
from syslet_conformance.placement import Layout, Placed, lay_out
from syslet_conformance.program import (
    Address,
    Atom,
    Buffer,
    Bytes,
    Close,
    Consume,
    Declaration,
    Drain,
    Exec,
    Feed,
    Head,
    Pipe,
    Poke,
    Program,
    Ring,
    Step,
    Store,
    Unmap,
    Value,
    Wait,
    Words,
)
from syslet_layouts import Abi

FIRST_ADDRESS = 0x10000
PAGE_BYTES = 4096

NO_DESCRIPTOR = -1
"""What the words of a pipe hold in an image: descriptors exist only in an engine."""


def assemble(
    program: Program,
    abi: Abi,
    numbers: Mapping[str, int] | None = None,
    bases: Sequence[int] | None = None,
) -> bytes:
    """The image of `program` for `abi`.

    `numbers` overrides or adds to the numbers of syscall names (`image_numbers`); `bases`
    are the sections' load addresses, by default each ending at a page's end with a page
    between, as an engine would map them. ProgramError if the program is not a valid one,
    or does not fit the ABI.
    """
    layout = lay_out(program, abi)
    if bases is None:
        bases = default_bases(layout)
    named = {**image_numbers(abi), **(numbers or {})}
    pipes = {
        d.label: (NO_DESCRIPTOR, NO_DESCRIPTOR) for d in program.declarations if isinstance(d, Pipe)
    }
    images = section_bytes(program, abi, layout, bases, named, pipes)
    return write_container(
        abi=abi.name,
        sections=[
            {"label": section.label or "", "address": base, "data": data}
            for section, base, data in zip(layout.sections, bases, images, strict=True)
        ],
        symbols=[
            _symbol(index, item)
            for index, section in enumerate(layout.sections)
            for item in section.placed
        ],
        relocations=[
            {"kind": kind, "section": index, "offset": item.offset + offset, "name": name}
            for index, section in enumerate(layout.sections)
            for item in section.placed
            for kind, offset, name in _relocations(item.declaration, abi)
        ],
        steps=[_step(step) for step in program.steps],
    )


def default_bases(layout: Layout) -> list[int]:
    """Load addresses at which each section ends at a page's end, with a page between."""
    bases: list[int] = []
    address = FIRST_ADDRESS
    for section in layout.sections:
        end = address + section.size_bytes
        end += -end % PAGE_BYTES
        bases.append(end - section.size_bytes)
        address = end + PAGE_BYTES
    return bases


def _symbol(section: int, item: Placed) -> dict[str, Any]:
    declaration = item.declaration
    return {
        "kind": _kind(declaration),
        "section": section,
        "offset": item.offset,
        "size_bytes": item.size_bytes,
        "label": declaration.label,
        "ring": (declaration.ring or "") if isinstance(declaration, Head) else "",
    }


_KINDS: dict[type[Declaration], int] = {
    Words: container.WORDS,
    Bytes: container.BYTES,
    Buffer: container.BUFFER,
    Pipe: container.PIPE,
    Ring: container.RING,
    Head: container.HEAD,
    Atom: container.ATOM,
}


def _kind(declaration: Declaration) -> int:
    if isinstance(declaration, Atom) and declaration.packed:
        return container.PACKED_ATOM
    return _KINDS[type(declaration)]


def _relocations(declaration: Declaration, abi: Abi) -> Iterator[tuple[int, int, str]]:
    """(kind, offset in the declaration, name) of each, in the order of the offsets."""
    match declaration:
        case Words(values=values):
            for index, value in enumerate(values):
                yield from _pointer(value, index * abi.word_bytes)
        case Head():
            for field, given in (
                ("completion_ring", declaration.completion_ring),
                ("ring_size_bytes", declaration.ring_size_bytes),
            ):
                if given is not None:
                    yield from _pointer(given, abi.head_offsets[field])
                elif declaration.ring is not None:
                    yield container.OF_RING, abi.head_offsets[field], ""
        case Atom():
            at = abi.atom_offsets
            if isinstance(declaration.nr, str):
                yield container.NAME, at["nr"], declaration.nr
            yield from _pointer(declaration.ret, at["ret_ptr"])
            yield from _pointer(declaration.next, at["next"])
            for index, value in enumerate(declaration.args):
                yield from _pointer(value, at[f"arg_ptr[{index}]"])
            yield from _pointer(declaration.private, at["private"])


def _pointer(value: Value, offset: int) -> Iterator[tuple[int, int, str]]:
    if isinstance(value, Address):
        yield container.ADDRESS, offset, value.label


def _step(step: Step) -> dict[str, Any]:
    match step:
        case Exec(atom, head, started):
            of = {"atom": _value(atom), "head": _value(head), "started": started}
            return {"kind": container.EXEC, "of": of}
        case Wait(min_events, head, user_ring_idx, started):
            index = _perhaps(user_ring_idx)
            of = {"min_events": min_events, "head": _value(head), "user_ring_idx": index}
            return {"kind": container.WAIT, "of": {**of, "started": started}}
        case Feed(pipe, data):
            return {"kind": container.FEED, "of": {"pipe": pipe, "data": data}}
        case Drain(pipe, count):
            return {"kind": container.DRAIN, "of": {"pipe": pipe, "count": count}}
        case Close(end):
            return {"kind": container.CLOSE, "of": {"end": end}}
        case Consume(label, taken):
            return {"kind": container.CONSUME, "of": {"head": label, "count": _perhaps(taken)}}
        case Store(place, values):
            of = {"place": _value(place), "words": list(map(_value, values))}
            return {"kind": container.STORE, "of": of}
        case Poke(place, data):
            return {"kind": container.POKE, "of": {"place": _value(place), "data": data}}
        case Unmap(section):
            return {"kind": container.UNMAP, "of": {"section": section}}
        case _:
            return {"kind": container.JOIN, "of": None}


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, Address):
        return {"label": value.label, "number": value.offset}
    return {"label": "", "number": value}


def _perhaps(number: int | None) -> dict[str, Any]:
    return {"given": number is not None, "number": number}
