"""An engine as a port to play streams on: its arena, two pipes, and calls that may block.

Where the engine offers a window into its memory, the arena is read and written through that;
otherwise through the contract.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable

from syslet_conformance import calls
from syslet_conformance.calls import Call
from syslet_conformance.contract import Engine
from syslet_conformance.fuzz.arena import ARENA_BYTES, Arena
from syslet_conformance.fuzz.ground import Ground, asked
from syslet_layouts import SysletError

PATIENCE_S = 0.002
"""How long a patient player waits after each step, so that what can run has run."""


SOON_S = 0.05
"""A call that takes longer waits for a later step, it is assumed."""

PATIENTLY_SOON_S = 0.5
"""The same for a patient player."""

AT_ONCE_S = 0.0003
"""So long is waited for a call that waits: behind its step, so that it comes to wait, and before
the step that is to let it go, so that it may return too soon."""


@runtime_checkable
class Windowed(Protocol):
    """An engine whose memory lies in this process."""

    def window(self, address: int, count: int) -> memoryview:
        """A view of mapped memory. SysletError where it is not mapped."""


class Subject:
    """One engine with an arena; see `play.Port`."""

    def __init__(self, engine: Engine, ground: Ground | None = None) -> None:
        """It is asked for its ground where there is none; what `asked` raises."""
        self.engine = engine
        self.ground = asked(engine) if ground is None else ground
        self.base = engine.map(ARENA_BYTES)
        self.arena = Arena(engine.abi, self.base, self.ground.numbers)
        self._view = engine.window(self.base, ARENA_BYTES) if isinstance(engine, Windowed) else None
        self.patient = False
        self.step: int | None = None
        self._ends = self._pipes()
        self._closed: set[int] = set()
        self._used = False
        self.let_go: frozenset[int] = frozenset()
        """The steps that are to let go a call that waits."""
        self._waits: list[tuple[int | None, Call]] = []

    def _pipes(self) -> list[int]:
        return [*self.engine.pipe(), *self.engine.pipe()]

    def fds(self, *, used: bool) -> tuple[int, ...]:
        """The descriptors of the pipes, which are new where the last stream used them."""
        if self._used:
            for number, end in enumerate(self._ends):
                if number not in self._closed:
                    self.engine.close_fd(end)
            self._ends, self._closed = self._pipes(), set()
        self._used = used
        return tuple(self._ends)

    def begin(self, data: bytearray) -> None:
        """Put the arena's bytes there."""
        self._waits.clear()
        if self._view is None:
            self.engine.write(self.base, bytes(data))
        else:
            self._view[:] = data

    def get(self, offset: int, count: int) -> bytes:
        """Bytes of the arena."""
        if self._view is None:
            return self.engine.read(self.base + offset, count)
        return bytes(self._view[offset : offset + count])

    def put(self, offset: int, data: bytes) -> None:
        """Store bytes in the arena."""
        if self._view is None:
            self.engine.write(self.base + offset, data)
        else:
            self._view[offset : offset + len(data)] = data

    def feed(self, pipe: int, data: bytes) -> None:
        """Write into a pipe, as far as there is room."""
        if {2 * pipe, 2 * pipe + 1}.isdisjoint(self._closed):
            with contextlib.suppress(SysletError):
                self.engine.feed(self._ends[2 * pipe + 1], data)

    def drain(self, pipe: int, count: int) -> bytes:
        """Read what is there."""
        return b"" if 2 * pipe in self._closed else self.engine.drain(self._ends[2 * pipe], count)

    def close(self, end: int) -> None:
        """Close an end."""
        self._closed.add(end)
        self.engine.close_fd(self._ends[end])

    def exec(self, atom: int, head: int) -> int | Call:
        """The return word; the call itself where it does not return soon."""
        if not self._used:
            return self.engine.exec(atom, head)
        return self._soon(calls.make("exec", partial(self.engine.exec, atom, head)))

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int | Call:
        """The return word; the call itself where it does not return soon."""
        if not self._used:
            return self.engine.wait(min_events, user_ring_idx, head)
        wait = partial(self.engine.wait, min_events, user_ring_idx, head)
        return self._soon(calls.make("wait", wait))

    def _soon(self, call: Call) -> int | Call:
        if call.returns_within(PATIENTLY_SOON_S if self.patient else SOON_S):
            return call.join()
        return call

    def start_exec(self, atom: int, head: int) -> Call:
        """Exec that only a later step lets go."""
        return self._waiting("exec", partial(self.engine.exec, atom, head))

    def start_wait(self, min_events: int, user_ring_idx: int, head: int) -> Call:
        """Wait that only a later step lets go."""
        return self._waiting("wait", partial(self.engine.wait, min_events, user_ring_idx, head))

    def _waiting(self, what: str, function: Callable[[], int]) -> Call:
        call = calls.make(what, function)
        self._waits.append((self.step, call))
        return call

    def join(self, call: Call) -> int:
        """The return word. Hang."""
        return call.join()

    def settled(self) -> None:
        """A step is over."""
        if self.patient:
            time.sleep(PATIENCE_S)
        elif self._waits and self.step is not None:
            self._waits = [(number, call) for number, call in self._waits if not call.returned]
            started = {number for number, _ in self._waits}
            if self.step in started or (started and self.step + 1 in self.let_go):
                self._waits[-1][1].returns_within(AT_ONCE_S)
