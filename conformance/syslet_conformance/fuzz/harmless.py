"""What a stream may name: its own pipes, calls that are harmless, its arena.

All else is not judged, and never given to an engine."""

from __future__ import annotations

from typing import Any, NoReturn

from syslet_reference.files import OpenFile
from syslet_reference.kernel import Call

NOBODYS_FD = 1 << 30
"""From there on, in 31 bits, no process has a descriptor."""

FIRST_FREE_NR = 0x7000_0000
"""From there on, in 31 bits, no kernel has a call."""


class Unjudged(Exception):  # noqa: N818 - the verdict's name
    """What a stream does is left open, has no end, or is not harmless."""


class Files(dict[int, OpenFile]):
    """The descriptors of a stream's pipes; nobody has -1, nor those that the stream closed."""

    ends: tuple[int, ...] = ()

    def get(self, fd: int, _default: object = None) -> Any:
        file = super().get(fd)
        if file is None:
            number = fd & 0xFFFF_FFFF
            if number < NOBODYS_FD and (number != fd or fd not in self.ends):
                raise Unjudged(f"descriptor {fd} is somebody else's")
        return file


class Calls(dict[int, Call]):
    """Numbers that no kernel has, or Unjudged."""

    unknown: Call

    def get(self, nr: int, _default: object = None) -> Call:
        call = super().get(nr)
        if call is None:
            if not FIRST_FREE_NR <= nr & 0xFFFF_FFFF < 1 << 31:
                raise Unjudged(f"call {nr} is none of those that are harmless")
            return self.unknown
        return call


class Pages(dict[int, tuple[int, bytearray]]):
    """The arena's pages; of all others only a few are surely nobody's, or Unjudged."""

    nobodys: frozenset[int] = frozenset()

    def __missing__(self, page: int) -> NoReturn:
        if page not in self.nobodys:
            raise Unjudged("an address that may be somebody else's")
        raise KeyError(page)

    def get(self, page: int, _default: object = None) -> Any:
        if page not in self and page not in self.nobodys:
            raise Unjudged("an address that may be somebody else's")
        return super().get(page)
