"""A syslet program as a value: what lies in memory, and what is done with it.

The same value is written by hand in a test, parsed from a ``.syslet`` file, drawn by
a fuzzer, and printed in the message of a failure. It names things by label; addresses,
syscall numbers and descriptors are filled in when it is loaded into an engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syslet_layouts import Flag, SysletError


class ProgramError(SysletError):
    """A program that cannot be: a label twice, a label unknown, a value out of range."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of what `label` names, plus `offset` bytes. Written ``&label+offset``."""

    label: str
    offset: int = 0


NULL = 0
NO_FLAGS = Flag(0)
Value = int | Address


# -- what lies in memory, in the order in which it lies there ---------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """A new mapping starts here; the byte after its last declaration is unmapped.

    What stands before the first `Section` lies in a mapping of its own.
    """

    label: str


@dataclass(frozen=True, slots=True)
class Words:
    """Consecutive words of the ABI; an int may be negative (two's complement)."""

    label: str
    values: tuple[Value, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes as given, without a terminator."""

    label: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Buffer:
    """`size_bytes` zero bytes."""

    label: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe made when the program is loaded, and two words that hold its descriptors.

    The words are named ``label.read`` and ``label.write``.
    """

    label: str


@dataclass(frozen=True, slots=True)
class Ring:
    """A completion ring of `slots` pointer words, all NULL."""

    label: str
    slots: int


@dataclass(frozen=True, slots=True)
class Head:
    """An ``async_head_user`` over the ring named `ring`.

    `completion_ring` and `ring_size_bytes` override what the ring says, for hostile
    programs.
    """

    label: str
    ring: str | None
    kernel_ring_idx: int = 0
    user_ring_idx: int = 0
    completion_ring: Value | None = None
    ring_size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Atom:
    """One atom. `nr` is a syscall's name, or a number as it is.

    `args` are the argument pointers that are given, at most six; the others are NULL.
    A `packed` atom ends right after its first NULL argument pointer.
    """

    label: str
    nr: str | int
    args: tuple[Value, ...] = ()
    flags: Flag = NO_FLAGS
    ret: Value = NULL
    next: Value = NULL
    private: Value = 0
    packed: bool = False


Declaration = Section | Words | Bytes | Buffer | Pipe | Ring | Head | Atom


# -- what is done, in order -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exec:
    """``sys_async_exec(atom, head)``; `started`: in a thread of its own, see `Join`."""

    atom: Value
    head: Value
    started: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """``sys_async_wait(min_events, user_ring_idx, head)``.

    `user_ring_idx` None stands for the index that the descriptor holds at that moment.
    """

    min_events: int
    head: Value
    user_ring_idx: int | None = None
    started: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """Write `data` into a pipe from outside the engine."""

    pipe: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Drain:
    """Read `count` bytes out of a pipe from outside the engine."""

    pipe: str
    count: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close one end of a pipe: ``label.read`` or ``label.write``."""

    end: str


@dataclass(frozen=True, slots=True)
class Consume:
    """Take up to `count` entries out of the ring of the head labelled `head`.

    Each is read, its slot set to NULL, and the index stored in user_ring_idx.
    None: as many as there are.
    """

    head: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """Store consecutive words of the ABI from `place` on, from outside the engine."""

    place: Value
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Poke:
    """Write bytes from `place` on, from outside the engine."""

    place: Value
    data: bytes


@dataclass(frozen=True, slots=True)
class Unmap:
    """Unmap a section, once. Its labels keep the addresses that they had."""

    section: str


@dataclass(frozen=True, slots=True)
class Join:
    """Wait until every started `Exec` and `Wait` has returned."""


Step = Exec | Wait | Feed | Drain | Close | Consume | Store | Poke | Unmap | Join


@dataclass(frozen=True, slots=True)
class Program:
    """Declarations and steps, each in order."""

    declarations: tuple[Declaration, ...] = ()
    steps: tuple[Step, ...] = ()


def labels(declaration: Declaration) -> Iterator[str]:
    """The labels that a declaration defines: one, or three for a pipe."""
    yield declaration.label
    if isinstance(declaration, Pipe):
        yield f"{declaration.label}.read"
        yield f"{declaration.label}.write"
