"""A syslet under way, and what an engine keeps of a head."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from syslet_reference.blocking import Blocked


class Pause(Enum):
    """Why the shell stopped running a syslet's atoms."""

    ENDED = auto()
    FAULTED = auto()
    BLOCKED = auto()
    GOES_ASYNC = auto()
    TURN_OVER = auto()


@dataclass(eq=False, slots=True)
class Syslet:
    """One exec: where it is, and whether the caller still runs it."""

    number: int
    head: int
    atom: int
    """The atom to fetch next, or the one whose call blocks."""
    asynchronous: bool = False
    fields: tuple[int, ...] = ()
    """The last atom that was fetched, as its numbers in order."""
    last: int = 0
    """The address of that atom: the one at which the syslet ends (ring.entry-is-final-atom)."""
    blocked: Blocked | None = None
    """The call that blocks, or that may be tried again."""


@dataclass(eq=False, slots=True)
class HeadState:
    """What the engine knows of a head beside what lies in its descriptor."""

    pending: int = 0
    """Asynchronous syslets that have not ended."""
    errors: list[int] = field(default_factory=list)
    """An errno for each event that found no place, to be reported once each."""
