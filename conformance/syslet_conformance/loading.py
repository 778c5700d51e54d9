"""The bytes of a program's sections, once it is known at which addresses they are loaded.

`lay_out` gives sizes and offsets, the caller maps sections of those sizes, and
`section_bytes` fills them for the addresses, syscall numbers and descriptors it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from syslet_conformance.placement import Layout, Placed, lay_out
from syslet_conformance.program import (
    Address,
    Atom,
    Bytes,
    Head,
    Pipe,
    Program,
    ProgramError,
    Ring,
    Value,
    Words,
)
from syslet_layouts import ARGUMENTS, Abi, AsyncHeadUser, SysletUatom, encode_atom, encode_head

__all__ = ["Layout", "Numbers", "lay_out", "section_bytes"]

Numbers = Mapping[str, int] | Callable[[str], int | None]
"""Syscall numbers by name."""


def section_bytes(
    program: Program,
    abi: Abi,
    layout: Layout,
    bases: Sequence[int],
    numbers: Numbers,
    pipes: Mapping[str, tuple[int, int]],
) -> list[bytes]:
    """The bytes of each section when section i of `layout` is loaded at ``bases[i]``.

    `layout` is what `lay_out` gave for this `program` and `abi`; `numbers` has the number
    of each syscall name; `pipes` the (read end, write end) of each pipe by label.
    ProgramError names the label and the field that does not fit.
    """
    if len(bases) != len(layout.sections):
        raise ProgramError(f"{len(bases)} section addresses, wanted {len(layout.sections)}")
    rings = {d.label: d for d in program.declarations if isinstance(d, Ring)}
    loaded = _Loaded(abi, layout, bases, numbers, pipes, rings)
    images: list[bytes] = []
    for section in layout.sections:
        data = bytearray(section.size_bytes)
        for item in section.placed:
            data[item.offset : item.offset + item.size_bytes] = loaded.encode(item)
        images.append(bytes(data))
    return images


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Everything that the bytes of a declaration depend on."""

    abi: Abi
    layout: Layout
    bases: Sequence[int]
    numbers: Numbers
    pipes: Mapping[str, tuple[int, int]]
    rings: Mapping[str, Ring]

    def encode(self, item: Placed) -> bytes:
        """The bytes of what lies at `item`."""
        declaration = item.declaration
        match declaration:
            case Words(label, values):
                return self._words(label, values)
            case Bytes(data=data):
                return data
            case Pipe(label):
                if label not in self.pipes:
                    raise ProgramError(f"pipe {label!r} has no descriptors, wanted two")
                return self._words(label, self.pipes[label])
            case Head():
                return encode_head(self.abi, self._head(declaration))
            case Atom():
                return encode_atom(self.abi, self._atom(declaration))[: item.size_bytes]
            case _:
                return bytes(item.size_bytes)

    def _words(self, label: str, values: Sequence[Value]) -> bytes:
        words = [self._word(label, f"word {i}", value) for i, value in enumerate(values)]
        pack = self.abi.word_struct.pack
        return b"".join([pack(word) for word in words])

    def _word(self, label: str, field: str, value: Value) -> int:
        try:
            return self.layout.address(value, self.bases)
        except ProgramError as error:
            raise ProgramError(f"{field} of {label!r}: {error}") from None

    def _head(self, head: Head) -> AsyncHeadUser:
        ring: Value = 0 if head.ring is None else Address(head.ring)
        size = 0 if head.ring is None else self.rings[head.ring].slots * self.abi.word_bytes
        fields: dict[str, Value] = {
            "kernel_ring_idx": head.kernel_ring_idx,
            "user_ring_idx": head.user_ring_idx,
            "completion_ring": ring if head.completion_ring is None else head.completion_ring,
            "ring_size_bytes": size if head.ring_size_bytes is None else head.ring_size_bytes,
        }
        return AsyncHeadUser(**{f: self._word(head.label, f, v) for f, v in fields.items()})

    def _atom(self, atom: Atom) -> SysletUatom:
        label = atom.label
        given = [self._word(label, f"arg_ptr[{i}]", value) for i, value in enumerate(atom.args)]
        half, word = self._half, self._word
        return SysletUatom._make(
            (
                half(label, "flags", int(atom.flags)),
                half(label, "nr", self._number(label, atom.nr)),
                word(label, "ret_ptr", atom.ret),
                word(label, "next", atom.next),
                *given,
                *[0] * (ARGUMENTS - len(given)),
                word(label, "private", atom.private),
            )
        )

    def _half(self, label: str, field: str, number: int) -> int:
        bits = 8 * self.abi.half.length
        if not -(1 << bits - 1) <= number < 1 << bits:
            limits = f"{-(1 << bits - 1)} to {(1 << bits) - 1} on {self.abi.name}"
            raise ProgramError(f"{field} of {label!r}: {number}, wanted {limits}")
        return number & (1 << bits) - 1

    def _number(self, label: str, nr: str | int) -> int:
        if isinstance(nr, int):
            return nr
        numbers = self.numbers
        number = numbers(nr) if callable(numbers) else numbers.get(nr)
        if number is None:
            raise ProgramError(f"nr of {label!r}: no number for {nr!r}, wanted a known syscall")
        return number
