"""A bare memory image to a program: atoms and words found by following pointers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Set
from typing import NamedTuple

from syslet_conformance.numbers import image_numbers
from syslet_conformance.program import (
    Address,
    Atom,
    Bytes,
    Declaration,
    Program,
    ProgramError,
    Value,
    Words,
)
from syslet_layouts import (
    ARGUMENTS,
    STOP_FLAGS,
    Abi,
    Flag,
    SysletUatom,
    decode_atom,
    decode_words,
    packed_size,
)


def disassemble_raw(
    abi: Abi,
    data: bytes,
    base: int,
    entry: int,
    numbers: Mapping[str, int] | None = None,
) -> Program:
    """The program in memory that begins at address `base`, found from the atom at `entry`.

    Follows next, the atom a full stride on where a stop can skip to it, and the pointers
    to arguments and results; what nothing points to comes as strings. Labels are made up in
    the order of addresses (``atom_1``, ``word_1``, ``bytes_1``); `numbers` gives the calls
    their names. An atom is full unless something else lies, or memory ends, in the part
    that an engine does not read. No steps. Where ``len(data)`` is a multiple of the word,
    the program laid out on `abi` has the very bytes of `data` if it is loaded at `base`.
    ProgramError if there is no atom at `entry`.
    """
    if not 0 <= base <= abi.word_mask - len(data):
        limits = f"wanted 0 to {abi.word_mask - len(data):#x} on {abi.name}"
        raise ProgramError(f"{len(data)} bytes at base {base:#x}, {limits}")
    memory = _Memory(abi, data, base)
    if not memory.find_atom(entry):
        raise ProgramError(
            f"image offset {entry - base}: no whole {abi.name} atom, wanted one at the entry "
            f"{entry:#x}, at a multiple of {abi.word_bytes} bytes in {len(data)} bytes at {base:#x}"
        )
    memory.follow()
    return memory.program(numbers if numbers is not None else image_numbers(abi))


class _Piece(NamedTuple):
    offset: int
    size_bytes: int
    kind: str


class _Memory:
    """The image, and what has been found in it by offset."""

    def __init__(self, abi: Abi, data: bytes, base: int) -> None:
        self.abi = abi
        self.data = data
        self.base = base
        self.atoms: dict[int, SysletUatom] = {}
        self.words: set[int] = set()
        self.starts: set[int] = set()
        self.taken: dict[int, int] = {}
        """Each word-sized place that an atom's read part covers, to that atom."""
        self.waiting: list[int] = []

    # -- finding -----------------------------------------------------------------------

    def find_atom(self, address: int) -> bool:
        """Note the atom at `address`; False where none can lie."""
        offset = address - self.base
        if offset in self.atoms:
            return True
        if offset < 0 or offset >= len(self.data) or offset % self.abi.word_bytes:
            return False
        atom = self._read(offset)
        if atom is None:
            return False
        places = range(offset, offset + packed_size(self.abi, atom.parameters), self._step)
        if any(place in self.taken for place in places):
            return False
        self.taken.update(dict.fromkeys(places, offset))
        self.atoms[offset] = atom
        self.waiting.append(offset)
        return True

    @property
    def _step(self) -> int:
        return self.abi.word_bytes

    def _read(self, offset: int) -> SysletUatom | None:
        for parameters in range(ARGUMENTS + 1):
            size = packed_size(self.abi, parameters)
            if offset + size > len(self.data):
                return None
            part = self.data[offset : offset + size].ljust(self.abi.atom_size, b"\0")
            atom = decode_atom(self.abi, part)
            if atom.parameters == parameters:
                return atom
        return None

    def follow(self) -> None:
        """Find every atom that can be reached, then every word that one points to."""
        while self.waiting:
            offset = self.waiting.pop()
            atom = self.atoms[offset]
            self.find_atom(atom.next)
            if atom.flags & Flag.SKIP_TO_NEXT_ON_STOP and atom.flags & STOP_FLAGS:
                self.find_atom(self.base + offset + self.abi.atom_size)
        for atom in self.atoms.values():
            for pointer in (atom.ret_ptr, *atom.arg_ptr[: atom.parameters]):
                self._find_word(pointer)
        for offset in sorted(self.words):
            (word,) = decode_words(self.abi, self.data[offset : offset + self._step])
            if 0 <= word - self.base < len(self.data) and word - self.base not in self.words:
                self.starts.add(word - self.base)

    def _find_word(self, address: int) -> None:
        offset = address - self.base
        fits = 0 <= offset <= len(self.data) - self._step and offset % self._step == 0
        if fits and offset not in self.taken:
            self.words.add(offset)

    # -- writing down ------------------------------------------------------------------

    def program(self, numbers: Mapping[str, int]) -> Program:
        """The whole image as declarations, in the order of the addresses."""
        pieces = self._pieces()
        counts = {"atom": 0, "word": 0, "bytes": 0}
        labels: list[str] = []
        for piece in pieces:
            counts[piece.kind] += 1
            labels.append(f"{piece.kind}_{counts[piece.kind]}")
        within = _Labels(self.base, pieces, labels)
        names = {number: name for name, number in reversed(list(numbers.items()))}
        return Program(
            tuple(
                self._declaration(piece, label, within, names)
                for piece, label in zip(pieces, labels, strict=True)
            )
        )

    def _pieces(self) -> list[_Piece]:
        others = self.taken.keys() | self.words | self.starts
        cuts = sorted({*self.atoms, *self.words, *self.starts, len(self.data)} | {0})
        pieces: list[_Piece] = []
        at = 0
        for cut in cuts:
            if cut > at:
                pieces.append(_Piece(at, cut - at, "bytes"))
                at = cut
            if cut < at or cut >= len(self.data):
                continue
            if cut in self.atoms:
                size = self._extent(cut, others)
                pieces.append(_Piece(cut, size, "atom"))
                at = cut + size
            elif cut in self.words:
                pieces.append(_Piece(cut, self._step, "word"))
                at = cut + self._step
        return pieces

    def _extent(self, offset: int, others: Set[int]) -> int:
        """Bytes of the atom at `offset`: all, or cut off if its rest is something else."""
        atom = self.atoms[offset]
        packed = packed_size(self.abi, atom.parameters)
        end = offset + self.abi.atom_size
        rest_is_free = not any(place in others for place in range(offset + packed, end))
        return self.abi.atom_size if end <= len(self.data) and rest_is_free else packed

    def _declaration(
        self, piece: _Piece, label: str, within: _Labels, names: Mapping[int, str]
    ) -> Declaration:
        part = self.data[piece.offset : piece.offset + piece.size_bytes]
        if piece.kind == "bytes":
            return Bytes(label, part)
        if piece.kind == "word":
            (word,) = decode_words(self.abi, part)
            value = within.value(word)
            return Words(label, (self.abi.signed(word) if value == word else value,))
        is_packed = piece.size_bytes < self.abi.atom_size
        atom = decode_atom(self.abi, part.ljust(self.abi.atom_size, b"\0"))
        args = [within.value(pointer) for pointer in atom.arg_ptr]
        while args and args[-1] == 0:
            args.pop()
        return Atom(
            label,
            names.get(atom.nr, atom.nr),
            tuple(args),
            Flag(atom.flags),
            within.value(atom.ret_ptr),
            within.value(atom.next),
            atom.private,
            is_packed,
        )


class _Labels:
    """Addresses to labels: the piece in which an address lies, and how far in."""

    def __init__(self, base: int, pieces: list[_Piece], labels: list[str]) -> None:
        self.base = base
        self.pieces = pieces
        self.labels = labels
        self.starts = [piece.offset for piece in pieces]

    def value(self, word: int) -> Value:
        """The address that `word` is, or the word itself where it points nowhere."""
        offset = word - self.base
        if word == 0 or not self.pieces or not offset >= 0:
            return word
        index = bisect_right(self.starts, offset) - 1
        piece = self.pieces[index]
        if offset >= piece.offset + piece.size_bytes:
            return word
        return Address(self.labels[index], offset - piece.offset)
