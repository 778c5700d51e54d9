"""Ctrl-C in a hunt: it ends one between two steps, and at once what may take long."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether Ctrl-C came.

    Python raises KeyboardInterrupt wherever the main thread is. In an executor that is while it
    holds the lock of a future, which nobody gives back then: those who play the batches wait for
    it, and the hunt for them. So it is kept here until `check`, or raised in what is `at_once`.
    """

    def __init__(self) -> None:
        self._came = self._at_once = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Keep it for `check` meanwhile. In the main thread; where it is ignored, it stays so."""
        before = signal.getsignal(signal.SIGINT)
        if before is signal.SIG_IGN:
            yield
            return
        signal.signal(signal.SIGINT, self._on_signal)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def check(self) -> None:
        """KeyboardInterrupt where it came."""
        if self._came:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """It is raised wherever it comes: for what may take long, and holds no lock of others."""
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._came = True
        if self._at_once:
            raise KeyboardInterrupt
