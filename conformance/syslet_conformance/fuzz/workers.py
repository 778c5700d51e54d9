"""The children of a hunt in this process: one a thread, kept from one batch to the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from syslet_conformance.fuzz.worker import Worker

S = TypeVar("S", bound=Hashable)


@dataclass(eq=False, slots=True)
class Kept(Generic[S]):
    """A worker, and what it was opened for."""

    spec: S
    worker: Worker
    ended: bool = False
    """Whether its hunt was ended."""


class Workers(Generic[S]):
    """Those that the threads of this process have, opened by `opened` where a thread has none.

    A child dies with the thread that started it, and so each thread uses its own alone.
    """

    def __init__(self, opened: Callable[[S], Worker]) -> None:
        self._opened = opened
        self._own = threading.local()
        self._all: set[Kept[S]] = set()
        self._lock = threading.Lock()

    def get(self, spec: S) -> Worker:
        """The thread's worker for that spec. What `opened` raises."""
        kept = self._mine()
        if kept is None or kept.ended or kept.spec != spec:
            self.drop()
            self._own.kept = kept = Kept(spec, self._opened(spec))
            with self._lock:
                self._all.add(kept)
        return kept.worker

    def drop(self) -> bool:
        """End the thread's worker, where there is one: whether its hunt was ended before."""
        kept = self._mine()
        if kept is None:
            return False
        self._own.kept = None
        with self._lock:
            self._all.discard(kept)
        kept.worker.close()
        return kept.ended

    def end(self, spec: S) -> None:
        """End those for that spec, whichever thread has them. It may go on with others."""
        with self._lock:
            theirs = {kept for kept in self._all if kept.spec == spec}
            self._all -= theirs
            for kept in theirs:
                kept.ended = True
        for kept in theirs:
            kept.worker.kill()

    def _mine(self) -> Kept[S] | None:
        kept: Kept[S] | None = getattr(self._own, "kept", None)
        return kept
