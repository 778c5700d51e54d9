"""The engine contract: everything that the suite may ask of an engine.

An engine is anything that answers these calls. Addresses, descriptors and return words
are plain integers; a return word is the unsigned word that the call would leave in a
register, so -EFAULT of a 32-bit engine is 0xfffffff2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from syslet_layouts import Abi, SysletError


class EngineError(SysletError):
    """The engine, or the way to it, failed to answer a call of the contract."""


class EngineDied(EngineError):  # noqa: N818 - the word of the verdicts
    """The engine is gone: it crashed, or closed its side. Verdict `crash`."""


class EngineSilent(EngineError):  # noqa: N818 - what is seen of it
    """The engine did not answer in time what cannot block. Verdict `hang`."""


ERRORS = 4095
"""A return word is a negative errno in so many values, the last ones of the word."""


def is_error(abi: Abi, word: int) -> bool:
    """Whether a return word is a negative errno."""
    return word > abi.word_mask - ERRORS


CAPABILITIES = {
    "pipe": "pipe, feed, drain and close_fd work, and a read of an empty pipe blocks",
    "threads": "exec and wait may be outstanding while other calls are made",
}


@dataclass(frozen=True, slots=True)
class Description:
    """What an engine says of itself.

    `lacks` names what it cannot do, out of `CAPABILITIES`: the tests that need it are
    skipped, with that reason. `build` is free text (compiler, flags, commit).
    """

    name: str
    version: str
    lacks: frozenset[str] = frozenset()
    build: str = ""
    details: dict[str, str] = field(default_factory=dict)


@runtime_checkable
class Engine(Protocol):
    """One running engine with memory and descriptors of its own."""

    @property
    def abi(self) -> Abi:
        """The ABI that it speaks."""

    def describe(self) -> Description:
        """Name, version, and what it lacks."""

    def map(self, size_bytes: int) -> int:
        """Map zeroed memory; return its address.

        The byte after the last one is unmapped, so that a read past the end faults. The
        address is a multiple of the word where `size_bytes` is.
        """

    def unmap(self, address: int) -> None:
        """Unmap what `map` returned."""

    def read(self, address: int, count: int) -> bytes:
        """Read `count` bytes of mapped memory. SysletError where it is not mapped."""

    def write(self, address: int, data: bytes) -> None:
        """Write into mapped memory. SysletError where it is not mapped."""

    def syscall_number(self, name: str) -> int | None:
        """The number for an atom's nr (``read``, ``umem_add``, ``async_exec``...), or None."""

    def pipe(self) -> tuple[int, int]:
        """Make a pipe; return (read end, write end), as descriptors that atoms can use."""

    def feed(self, fd: int, data: bytes) -> None:
        """Write `data` into the write end `fd` from outside any syslet."""

    def drain(self, fd: int, count: int) -> bytes:
        """Read up to `count` bytes that are there from the read end `fd`."""

    def close_fd(self, fd: int) -> None:
        """Close a descriptor."""

    def exec(self, atom: int, head: int) -> int:
        """``sys_async_exec``: the return word. May block (SYSLET_SYNC)."""

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        """``sys_async_wait``: the return word. May block."""

    def close(self) -> None:
        """End the engine: blocked calls return, memory and descriptors are gone."""


@runtime_checkable
class Talking(Protocol):
    """An engine that may say something beside its answers: on standard error, say."""

    said: bytes
    """The last of what it said; whoever has noted it may empty it."""
