"""A child of the hunt, as its parent sees it: orders, answers, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from syslet_conformance.fuzz.child import NOW_BYTES, STACKS_SIGNAL, Now
from syslet_conformance.fuzz.sandbox import refused
from syslet_conformance.patience import patient_s
from syslet_layouts import SysletError

STILL_S = 15.0
"""A child that plays no other stream for so long hangs."""

START_S = 60.0
"""How long a child may take to open its engine."""


STACKS_S = 2.0
"""How long a child that hangs is given to say where its threads are."""

SAID_BYTES = 1 << 14
"""So much of what a child said last is looked at."""

BEFORE = -1
"""The number of the stream in which a child ended that had not begun what was ordered."""


class Ended(SysletError):  # noqa: N818 - what it says
    """A child ended in a stream: how, the stream's number in the batch, its bytes, and what was
    said on standard error, with Python's stack of each thread where that could be had.

    The number is `BEFORE` where none of what was ordered was begun: the stream is older.
    """

    def __init__(self, how: str, number: int, stream: bytes, said: str) -> None:
        super().__init__(how)
        self.how, self.number, self.stream, self.said = how, number, stream, said

    @property
    def hung(self) -> bool:
        """Whether it ended because a call did not return."""
        return self.how.startswith("hang")


class EndedWhenAsked(SysletError):  # noqa: N818 - what it says
    """A child ended as its engine was asked one of `QUESTIONS`, or, where that is empty, before."""

    def __init__(self, question: str, how: str) -> None:
        asked = f"was asked for {question}" if question else "was opened"
        super().__init__(f"the engine ended as it {asked}: {how}")
        self.question, self.how = question, how


class Worker:
    """A process with one engine, which is not asked the questions that are `unasked`.

    SysletError where the engine cannot be opened.
    """

    def __init__(
        self, backend: str, abi: str, *, sandboxed: bool, unasked: Collection[str] = ()
    ) -> None:
        self._files = Path(tempfile.mkdtemp(prefix="syslet-fuzz-"))
        now, self._said_path = self._files / "now", self._files / "said"
        now.write_bytes(bytes(NOW_BYTES))
        self.now = Now(now)
        empty = self._files / "empty"
        empty.mkdir()
        words = [backend, abi, str(now), str(empty), "yes" if sandboxed else "no"]
        words += [str(os.getpid()), ",".join(unasked)]
        with self._said_path.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __package__ + ".child", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        self.still_s = STILL_S
        """How long it may play one stream."""
        self._buffer = b""
        self._played_before = 0
        self.ready = self._first()

    def _first(self) -> dict[str, Any]:
        until = time.monotonic() + patient_s(START_S)
        try:
            while (answer := self.look(until - time.monotonic())) is None:
                if time.monotonic() > until:
                    self.close()
                    raise SysletError(f"the engine did not open within {patient_s(START_S):g} s")
        except Ended as ended:
            self.close()
            raise EndedWhenAsked(ended.stream.decode(), ended.how) from None
        if "error" in answer:
            self.close()
            raise SysletError(answer["error"])
        return answer

    def fileno(self) -> int:
        """What is readable when there is an answer."""
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def order(self, what: dict[str, Any]) -> None:
        """Give an order; `look` has the answer."""
        self._seen, self._since = -1, time.monotonic()
        self._played_before = self.now.get()[0]
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `look` says how it ended
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """Give an order and wait for the answer. Ended."""
        self.order(what)
        while (answer := self.look(1.0)) is None:
            self.check()
        return answer

    def look(self, timeout_s: float) -> dict[str, Any] | None:
        """An answer, or None where there is none within the time. Ended."""
        while b"\n" not in self._buffer:
            if not select.select([self], [], [], max(timeout_s, 0))[0]:
                return None
            data = os.read(self.fileno(), 1 << 16)
            if not data:
                raise self._ended()
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "hang" in answer:
            raise self._in_stream(f"hang: {answer['hang']}")
        if "died" in answer:
            raise self._in_stream(f"crash: {_first_words(answer['died'])}", answer["died"])
        return answer

    def check(self) -> None:
        """Ended where it has played no other stream for too long; it is ended then."""
        played, _, _ = self.now.get()
        now = time.monotonic()
        if played != self._seen:
            self._seen, self._since = played, now
        elif now - self._since > patient_s(self.still_s):
            self._ask_for_stacks()
            ended = self._in_stream("hang: a call does not return")
            self.kill()
            raise ended

    def _ended(self) -> Ended:
        status = self.process.wait()
        call = refused(status, self.said())
        if call:
            return self._in_stream(f"refused: {call}")
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return self._in_stream(f"crash: {how}")

    def _ask_for_stacks(self) -> None:
        """Give the child time to say them; one that is stopped does not."""
        before = self._said_path.stat().st_size
        self.process.send_signal(STACKS_SIGNAL)
        until = time.monotonic() + STACKS_S
        size = before
        while time.monotonic() < until:
            last, size = size, self._said_path.stat().st_size
            if before < last == size:
                break
            select.select([], [], [], 0.05)

    def _in_stream(self, how: str, more: str = "") -> Ended:
        played, number, stream = self.now.get()
        number = BEFORE if played == self._played_before else number
        return Ended(how, number, stream, "\n".join(filter(None, (more, self.said()))))

    def said(self) -> str:
        """The last that it said on standard error."""
        try:
            return self._said_path.read_bytes()[-SAID_BYTES:].decode("utf-8", "replace")
        except OSError:
            return ""

    def kill(self) -> None:
        """End it at once, and take its files away; any thread may."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self._files, ignore_errors=True)

    def close(self) -> None:
        """End it, and what there is to it here: in the thread that gives the orders."""
        self.kill()
        for end in (self.process.stdin, self.process.stdout):
            if end is not None:
                with contextlib.suppress(BrokenPipeError):
                    end.close()


def _first_words(text: str) -> str:
    return text.splitlines()[0][:200] if text else "the engine is gone"
