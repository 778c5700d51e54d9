"""An image file to the program in it, with every byte of the file taken as hostile.

What words and atoms hold is decoded from the sections' bytes; labels come back through the
relocations. The program so found is assembled again, and the image refused unless it is
that one to the byte: so nothing in an image goes unread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syslet_conformance import container
from syslet_conformance.assembly import assemble
from syslet_conformance.container import read_container
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
    Join,
    Pipe,
    Poke,
    Program,
    ProgramError,
    Ring,
    Section,
    Step,
    Store,
    Unmap,
    Value,
    Wait,
    Words,
)
from syslet_conformance.validate import faults
from syslet_layouts import (
    Abi,
    Flag,
    LayoutError,
    SysletError,
    abi_named,
    decode_atom,
    decode_head,
    decode_words,
)


def disassemble(data: bytes) -> Program:
    """The program in an image.

    Words come back signed, everything else unsigned, and trailing NULL arguments not at
    all. ProgramError with the offset in the image for whatever `assemble` would not write.
    """
    image = read_container(data)
    try:
        abi = abi_named(image.abi)
    except LayoutError as error:
        raise ProgramError(f"image offset {len(container.MAGIC) + 2}: {error}") from None
    _check_addresses(image, abi)
    found = _Image(abi, image)
    placed = found.declarations()
    steps = [(_step(record), int(record.at)) for record in image.steps]
    program = Program(tuple(item for item, _ in placed), tuple(item for item, _ in steps))
    for fault in faults(program):
        of_kind: Any = placed if fault.place.kind == "declaration" else steps
        raise ProgramError(f"image offset {of_kind[fault.place.index][1]}: {fault.message}")
    try:
        canonical = assemble(program, abi, found.numbers, [s.address for s in image.sections])
    except SysletError as error:
        raise ProgramError(f"image offset 0: {error}") from None
    if canonical != data:
        pairs = enumerate(zip(data, canonical, strict=False))
        shorter = min(len(data), len(canonical))
        at = next((i for i, (is_, wanted) in pairs if is_ != wanted), shorter)
        got, wanted = data[at : at + 1].hex() or "the end", canonical[at : at + 1].hex()
        raise ProgramError(f"image offset {at}: {got}, wanted {wanted or 'the end'}")
    return program


def _check_addresses(image: Any, abi: Abi) -> None:
    end = 0
    for section in sorted(image.sections, key=lambda section: int(section.address)):
        if section.address < end:
            wanted = f"{end:#x} or more, where the one below it ends"
            raise ProgramError(
                f"image offset {section.at}: section at {section.address:#x}, wanted {wanted}"
            )
        end = section.address + len(section.data)
        if end > abi.word_mask:
            wanted = f"wanted at most {abi.word_mask:#x} on {abi.name}"
            raise ProgramError(f"image offset {section.at}: section ends at {end:#x}, {wanted}")


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A symbol's record, and the bytes of its section that it names."""

    record: Any
    data: bytes


class _Image:
    """The tables of an image, by what they are looked up with."""

    def __init__(self, abi: Abi, image: Any) -> None:
        self.abi = abi
        self.image = image
        self.numbers: dict[str, int] = {}
        self.relocations: dict[tuple[int, int], Any] = {}
        self.addresses: dict[str, int] = {}
        for record in image.relocations:
            self.relocations[record.section, record.offset] = record
        for section in image.sections:
            self.addresses[section.label] = section.address
        for record in image.symbols:
            if record.section >= len(image.sections):
                message = f"section {record.section}, wanted one of {len(image.sections)}"
                raise ProgramError(f"image offset {record.at}: {message}")
            address = image.sections[record.section].address + record.offset
            self.addresses[record.label] = address
            if record.kind == container.PIPE:
                self.addresses[f"{record.label}.read"] = address
                self.addresses[f"{record.label}.write"] = address + abi.word_bytes

    def declarations(self) -> list[tuple[Declaration, int]]:
        """The declarations in order, each with the offset of its record in the image."""
        found: list[tuple[Declaration, int]] = []
        symbols: list[list[Any]] = [[] for _ in self.image.sections]
        for record in self.image.symbols:
            symbols[record.section].append(record)
        for section, records in zip(self.image.sections, symbols, strict=True):
            if section.label or found:
                found.append((Section(section.label), section.at))
            for record in records:
                end = record.offset + record.size_bytes
                if end > len(section.data):
                    message = f"symbol ends at byte {end}, wanted at most {len(section.data)}"
                    raise ProgramError(f"image offset {record.at}: {message}")
                symbol = _Symbol(record, section.data[record.offset : end])
                try:
                    found.append((self._declaration(symbol), record.at))
                except LayoutError as error:
                    raise ProgramError(f"image offset {record.at}: {error}") from None
        return found

    def _declaration(self, symbol: _Symbol) -> Declaration:
        record, data = symbol.record, symbol.data
        label, word_bytes = record.label, self.abi.word_bytes
        match record.kind:
            case container.WORDS:
                return Words(label, self._words(symbol))
            case container.BYTES:
                return Bytes(label, data)
            case container.BUFFER:
                return Buffer(label, len(data))
            case container.PIPE:
                return Pipe(label)
            case container.RING:
                return Ring(label, len(data) // word_bytes)
            case container.HEAD:
                return self._head(symbol)
            case container.ATOM | container.PACKED_ATOM:
                return self._atom(symbol, packed=record.kind == container.PACKED_ATOM)
        message = f"symbol of kind {record.kind}, wanted at most {container.PACKED_ATOM}"
        raise ProgramError(f"image offset {record.at}: {message}")

    def _relocation(self, symbol: _Symbol, offset: int, kind: int) -> Any:
        record = symbol.record
        if offset >= record.size_bytes:  # cut off a packed atom: that place is another's
            return None
        found = self.relocations.get((record.section, record.offset + offset))
        return found if found is not None and found.kind == kind else None

    def _value(self, symbol: _Symbol, offset: int, word: int) -> Value:
        """What the word at `offset` of the symbol stands for."""
        relocation = self._relocation(symbol, offset, container.ADDRESS)
        if relocation is None:
            return word
        if relocation.name not in self.addresses:
            message = f"address of {relocation.name!r}, wanted the label of a symbol"
            raise ProgramError(f"image offset {relocation.at}: {message}")
        return Address(relocation.name, word - self.addresses[relocation.name])

    def _words(self, symbol: _Symbol) -> tuple[Value, ...]:
        values: list[Value] = []
        for index, word in enumerate(decode_words(self.abi, symbol.data)):
            value = self._value(symbol, index * self.abi.word_bytes, word)
            values.append(self.abi.signed(value) if isinstance(value, int) else value)
        return tuple(values)

    def _head(self, symbol: _Symbol) -> Head:
        head, offsets = decode_head(self.abi, symbol.data), self.abi.head_offsets
        ring = symbol.record.ring or None
        at_ring, at_size = offsets["completion_ring"], offsets["ring_size_bytes"]
        of_ring = self._relocation(symbol, at_ring, container.OF_RING) is not None
        of_size = self._relocation(symbol, at_size, container.OF_RING) is not None
        pointer = self._value(symbol, at_ring, head.completion_ring)
        size = head.ring_size_bytes
        return Head(
            symbol.record.label,
            ring,
            head.kernel_ring_idx,
            head.user_ring_idx,
            None if of_ring or (ring is None and pointer == 0) else pointer,
            None if of_size or (ring is None and size == 0) else size,
        )

    def _atom(self, symbol: _Symbol, packed: bool) -> Atom:
        atom, offsets = decode_atom(self.abi, symbol.data, packed=packed), self.abi.atom_offsets
        given = [
            self._value(symbol, offsets[f"arg_ptr[{index}]"], pointer)
            for index, pointer in enumerate(atom.arg_ptr)
        ]
        while given and given[-1] == 0:
            given.pop()
        return Atom(
            symbol.record.label,
            self._nr(symbol, atom.nr),
            tuple(given),
            Flag(atom.flags),
            self._value(symbol, offsets["ret_ptr"], atom.ret_ptr),
            self._value(symbol, offsets["next"], atom.next),
            self._value(symbol, offsets["private"], atom.private),
            packed,
        )

    def _nr(self, symbol: _Symbol, number: int) -> str | int:
        relocation = self._relocation(symbol, self.abi.atom_offsets["nr"], container.NAME)
        if relocation is None:
            return number
        if self.numbers.setdefault(relocation.name, number) != number:
            message = f"{relocation.name!r} is {number}, wanted {self.numbers[relocation.name]}"
            raise ProgramError(f"image offset {relocation.at}: {message}, as before")
        return str(relocation.name)


def _step(record: Any) -> Step:
    of = record.of
    match record.kind:
        case container.EXEC:
            return Exec(_value(of.atom), _value(of.head), of.started)
        case container.WAIT:
            return Wait(of.min_events, _value(of.head), of.user_ring_idx.number, of.started)
        case container.FEED:
            return Feed(of.pipe, of.data)
        case container.DRAIN:
            return Drain(of.pipe, of.count)
        case container.CLOSE:
            return Close(of.end)
        case container.CONSUME:
            return Consume(of.head, of.count.number)
        case container.STORE:
            return Store(_value(of.place), tuple(map(_value, of.words)))
        case container.POKE:
            return Poke(_value(of.place), of.data)
        case container.UNMAP:
            return Unmap(of.section)
        case _:
            return Join()


def _value(record: Any) -> Value:
    return Address(record.label, record.number) if record.label else record.number
