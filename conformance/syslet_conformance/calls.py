"""Exec and wait in threads that are not the harness's, so that one that hangs holds up nothing.

What an engine knows must not hang on the thread that told it: two calls that follow each other
come from two threads. Those are kept for later calls, since making one costs more than most
calls; a test that wants its thread to be gone asks for that.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from syslet_conformance.patience import patient_s
from syslet_layouts import SysletError

HANG_S = 10.0
"""How long a call that should return may take before it is a hang."""


class Hang(SysletError):  # noqa: N818 - the verdict's name
    """A call did not return in time. Verdict `hang`."""


def held_lock() -> threading.Lock:
    """A lock that whoever waits for something waits for."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class Call:
    """An exec or a wait in a thread that is not the harness's."""

    what: str
    function: Callable[[], int]
    words: list[int] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    on_join: Callable[[], None] | None = None
    """Done each time that somebody has waited for its return."""
    _runs: threading.Lock = field(default_factory=held_lock)

    @property
    def returned(self) -> bool:
        """Whether it has returned by now."""
        return bool(self.words or self.errors)

    def returns_within(self, timeout_s: float) -> bool:
        """Give it up to that long; whether it has returned by then."""
        if self._runs.acquire(timeout=timeout_s):
            self._runs.release()
        return self.returned

    def join(self, timeout_s: float = HANG_S) -> int:
        """Its return word. Hang where it does not come in time."""
        limit_s = patient_s(timeout_s)
        if not self.returns_within(limit_s):
            raise Hang(f"{self.what} did not return within {limit_s:g} s")
        if self.errors:
            raise self.errors[0]
        if self.on_join is not None:
            self.on_join()
        return self.words[0]

    def run(self, then: Callable[[], None] = lambda: None) -> None:
        """Make the call in this thread, and do `then` before whoever joins it goes on."""
        try:
            self.words.append(self.function())
        except BaseException as error:
            self.errors.append(error)
        then()
        self._runs.release()


class _Caller:
    """A thread that makes one call after the other."""

    def __init__(self) -> None:
        self._call: Call | None = None
        self._ordered = held_lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def order(self, call: Call) -> None:
        """Make this call; it is idle, and is so again before the call can be joined."""
        self._call = call
        self._ordered.release()

    def _serve(self) -> None:
        while True:
            self._ordered.acquire()
            call, self._call = self._call, None
            assert call is not None
            call.run(then=self._is_idle)
            del call

    def _is_idle(self) -> None:
        _idle.append(self)


_idle: deque[_Caller] = deque()
"""Threads that make no call; the last one made the last call that ended."""

os.register_at_fork(after_in_child=_idle.clear)


def make(what: str, function: Callable[[], int]) -> Call:
    """Have a call made by a thread that did not make the one before."""
    call = Call(what, function)
    caller = _idle.popleft() if len(_idle) > 1 else _Caller()
    caller.order(call)
    return call


def make_and_end(what: str, function: Callable[[], int]) -> int:
    """Its return word, from a thread that has ended since. Hang."""
    call = Call(what, function)
    thread = threading.Thread(target=call.run, daemon=True)
    thread.start()
    word = call.join()
    thread.join()
    return word
