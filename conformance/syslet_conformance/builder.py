"""Building a program in a test: variables first, atoms after them, in the order of the calls.

Atoms that are added one after the other lie one full atom apart (unless packed), since
nothing but atoms is in their section.
"""

from __future__ import annotations

from typing import Any

from syslet_conformance.program import (
    NULL,
    Address,
    Atom,
    Buffer,
    Bytes,
    Declaration,
    Head,
    Pipe,
    Program,
    Ring,
    Section,
    Value,
    Words,
)
from syslet_layouts import Flag


class Build:
    """Collects declarations; every method gives the address of what it declared.

    `ring_slots` makes a ring ``ring`` with a descriptor ``head``; 0 makes none.
    """

    def __init__(self, ring_slots: int = 4) -> None:
        self.data: list[Declaration] = []
        self.code: list[Declaration] = []
        self._made = 0
        if ring_slots:
            self.ring(ring_slots)

    def _label(self, label: str | None, kind: str) -> str:
        self._made += 1
        return label or f"{kind}{self._made}"

    def ring(self, slots: int, label: str = "ring", head: str = "head", **head_fields: Any) -> None:
        """A ring of `slots`, and its descriptor."""
        self.data += [Ring(label, slots), Head(head, label, **head_fields)]

    def word(self, value: Value = 0, label: str | None = None) -> Address:
        """A variable."""
        return self.words(value, label=label)

    def words(self, *values: Value, label: str | None = None) -> Address:
        """Consecutive variables."""
        name = self._label(label, "word")
        self.data.append(Words(name, values))
        return Address(name)

    def text(self, data: bytes, label: str | None = None) -> Address:
        """Bytes as given."""
        name = self._label(label, "text")
        self.data.append(Bytes(name, data))
        return Address(name)

    def buffer(self, size_bytes: int, label: str | None = None) -> Address:
        """Zero bytes."""
        name = self._label(label, "buffer")
        self.data.append(Buffer(name, size_bytes))
        return Address(name)

    def pipe(self, label: str | None = None) -> str:
        """A pipe; its label. Its descriptors are the words ``label.read`` and ``label.write``."""
        name = self._label(label, "pipe")
        self.data.append(Pipe(name))
        return name

    def section(self, label: str | None = None) -> None:
        """What is added to the code from here on lies in a mapping of its own."""
        self.code.append(Section(self._label(label, "section")))

    def atom(
        self,
        nr: str | int,
        *args: Value,
        flags: Flag | int = 0,
        next: Value = NULL,
        ret: Value = NULL,
        label: str | None = None,
        private: Value = 0,
        packed: bool = False,
    ) -> Address:
        """An atom whose argument pointers are `args`."""
        name = self._label(label, "atom")
        self.code.append(Atom(name, nr, args, Flag(flags), ret, next, private, packed))
        return Address(name)

    def add(self, target: Value, inc: int = 1, **atom: Any) -> Address:
        """An atom ``umem_add(target, inc)``: its result is the new value of the word."""
        return self.atom("umem_add", self.word(target), self.word(inc), **atom)

    def result(self, value: int, **atom: Any) -> Address:
        """An atom whose result is `value`: umem_add of 0 to a word that holds it."""
        return self.add(self.word(value), 0, **atom)

    def read(self, pipe: str, count: int = 1, into: Value | None = None, **atom: Any) -> Address:
        """An atom that reads `count` bytes from a pipe; it blocks while the pipe is empty."""
        target = self.buffer(count) if into is None else into
        end = Address(f"{pipe}.read")
        return self.atom("read", end, self.word(target), self.word(count), **atom)

    def write(self, pipe: str, data: bytes, **atom: Any) -> Address:
        """An atom that writes `data` into a pipe."""
        end = Address(f"{pipe}.write")
        return self.atom("write", end, self.word(self.text(data)), self.word(len(data)), **atom)

    def program(self) -> Program:
        """The program: the section ``data``, then the section ``code``."""
        code = self.code
        if code and not isinstance(code[0], Section):
            code = [Section("code"), *code]
        data = [Section("data"), *self.data] if self.data else []
        return Program((*data, *code))
