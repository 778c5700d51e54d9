"""A process that answers tagged lines: requests from any thread, answers in any order."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

from syslet_conformance.contract import EngineDied, EngineError, EngineSilent
from syslet_layouts import SysletError

LINE_BYTES = 65536
"""The longest line either way, its newline included."""

ANSWER_S = 10.0
"""How long the answer to a request that cannot block may take."""

GOODBYE_S = 2.0
"""How long each step of ending the process may take: bye, terminate, kill."""

STDERR_BYTES = 2000
"""How much of the last that the process said on stderr is kept."""

SHOWN_CHARS = 200
"""Longer lines are cut in messages."""


@dataclass(slots=True)
class _Question:
    """A request without its answer yet; `settled` is held until there is one, or never will be."""

    settled: threading.Lock = field(default_factory=threading.Lock)
    answer: str = ""
    error: SysletError | None = None

    def __post_init__(self) -> None:
        self.settled.acquire()


class Connection:
    """The process that `command` starts. `name` is what messages call it.

    SysletError where it cannot be started.
    """

    def __init__(self, command: Sequence[str], name: str) -> None:
        self.name = name
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except OSError as error:
            raise SysletError(f"{name}: {command[0]}: {error.strerror}") from None
        except ValueError as error:
            raise SysletError(f"{name}: {error}") from None
        assert self.process.stdin is not None
        self._stdin = self.process.stdin.fileno()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._questions: dict[int, _Question] = {}
        self._tag = 0
        self._over: SysletError | None = None
        self._ended = False
        self.said = b""
        """The last of what the process wrote to stderr."""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._stderr_reader = threading.Thread(target=self._keep_stderr, daemon=True)
        self._stderr_reader.start()
        self._listener.start()

    def ask(self, verb: str, words: str, timeout_s: float | None) -> str:
        """The answer to a request, without its tag: ``ok ...`` or ``error ...``.

        EngineDied, EngineSilent, or EngineError where the process does not keep to the protocol.
        """
        question = _Question()
        with self._lock:
            if self._over is not None:
                raise self._over
            self._tag += 1
            tag = self._tag
            self._questions[tag] = question
        line = f"{tag} {verb} {words}".rstrip(" ").encode("ascii", "replace") + b"\n"
        try:
            self._write(line)
        except OSError:  # it is going: the listener says how
            timeout_s = ANSWER_S
        if not question.settled.acquire(timeout=-1 if timeout_s is None else timeout_s):
            self._stop(EngineSilent(f"{self.name}: no answer to {verb} within {timeout_s:g} s"))
        if question.error is not None:
            raise question.error
        return question.answer

    def _write(self, line: bytes) -> None:
        with self._writing:
            while line:
                line = line[os.write(self._stdin, line) :]

    # -- the listener ------------------------------------------------------------------

    def _listen(self) -> None:
        """Pair answers with questions until there are no more, or one is not an answer."""
        assert self.process.stdout is not None
        stdout, buffer = self.process.stdout.fileno(), b""
        while data := os.read(stdout, LINE_BYTES):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                why = self._settle(line)
                if why:
                    self._break_off(line, why)
                    return
            if len(buffer) >= LINE_BYTES:
                self._break_off(buffer, f"a line has {LINE_BYTES} bytes at most")
                return
        self._stop(self._death())

    def _settle(self, line: bytes) -> str:
        """Give a line to whoever asked; what is wrong with it, or the empty string."""
        tag, _, answer = line.decode("ascii", "backslashreplace").partition(" ")
        if not tag.isdecimal() or len(tag) > 20:
            return "wanted a tag"
        if answer.partition(" ")[0] not in {"ok", "error"}:
            return "wanted ok or error after the tag"
        with self._lock:
            question = self._questions.pop(int(tag), None)
            asked = int(tag) <= self._tag
        if question is not None:
            question.answer = answer
            question.settled.release()
            return ""
        if int(tag) == 0:
            return "it could not read a tag"
        return f"{tag} was answered before" if asked else f"nobody asked {tag}"

    def _break_off(self, line: bytes, why: str) -> None:
        shown = line[:SHOWN_CHARS].decode("ascii", "backslashreplace")
        self._stop(EngineError(f"{self.name}: not an answer: {shown!r}: {why}"))

    def _stop(self, why: SysletError) -> None:
        """Nothing is answered any more, and the first reason stays."""
        with self._lock:
            if self._over is None:
                self._over = why
            why = self._over
            questions, self._questions = list(self._questions.values()), {}
        for question in questions:
            question.error = why
            question.settled.release()

    def _death(self) -> SysletError:
        if self._ended:
            return EngineError(f"{self.name}: the engine was closed")
        try:
            status = self.process.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:
            return EngineDied(f"{self.name}: the engine closed its output{self._last_words()}")
        how = f"exit status {status}"
        if status < 0:
            with contextlib.suppress(ValueError):
                how = f"signal {signal.Signals(-status).name}"
        return EngineDied(f"{self.name}: the engine's process ended: {how}{self._last_words()}")

    # -- stderr ------------------------------------------------------------------------

    def _keep_stderr(self) -> None:
        assert self.process.stderr is not None
        stderr = self.process.stderr.fileno()
        while data := os.read(stderr, 1 << 16):
            self.said = (self.said + data)[-STDERR_BYTES:]

    def _last_words(self) -> str:
        self._stderr_reader.join(GOODBYE_S)
        text = self.said.decode(errors="replace").strip()
        return f"; it said:\n{text}" if text else ""

    # -- the end -----------------------------------------------------------------------

    def end(self) -> None:
        """bye, then signals: the process is gone when this returns. Total; a second is nothing."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            works = self._over is None
        if works:
            self._say_goodbye()
        if not self._writing.locked():
            self._close(self.process.stdin)
        for insist in (None, self.process.terminate, self.process.kill):
            if insist is not None:
                insist()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(GOODBYE_S)
                break
        self._close(self.process.stdin)
        readers = (self._listener, self.process.stdout), (self._stderr_reader, self.process.stderr)
        for reader, stream in readers:
            reader.join(GOODBYE_S)
            if not reader.is_alive():  # a child of the process's may hold the other end
                self._close(stream)

    def _say_goodbye(self) -> None:
        """Ask it to end, unless it takes no more."""
        poll = select.poll()
        poll.register(self._stdin, select.POLLOUT)
        if not self._writing.locked() and poll.poll(0):
            with contextlib.suppress(SysletError):
                self.ask("bye", "", GOODBYE_S)

    @staticmethod
    def _close(stream: IO[bytes] | None) -> None:
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
