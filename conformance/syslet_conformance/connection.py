"""A process that answers tagged lines: requests from any thread, answers in any order."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO

from syslet_conformance.calls import held_lock
from syslet_conformance.contract import EngineDied, EngineError, EngineSilent
from syslet_conformance.patience import patient_s
from syslet_conformance.wire import LINE_BYTES, SHOWN_BYTES, printable, shown
from syslet_layouts import SysletError

TOO_LONG = f"a line has {LINE_BYTES} bytes at most"

ANSWER_S = 10.0
"""How long the answer to a request that cannot block may take."""

GOODBYE_S = 2.0
"""How long each step of ending the process may take: bye, terminate, kill."""

STDERR_BYTES = 2000
"""How much of the last that the process said on stderr is kept."""


class _Question:
    """A request without its answer yet.

    Its asker reads where `reads` says so; else it waits for `turn`, until there is something to
    do: take the answer, the error, or, where there is neither, the reading. `is_wanted` is false
    where its asker was interrupted.
    """

    __slots__ = ("answer", "error", "is_wanted", "reads", "turn")

    def __init__(self, *, reads: bool) -> None:
        self.reads = reads
        self.turn = None if reads else held_lock()
        self.answer: str | None = None
        self.error: SysletError | None = None
        self.is_wanted = True

    def wake(self) -> None:
        """Let the asker go on, unless it reads, and so sees for itself."""
        if self.turn is not None and not self.reads:
            self.turn.release()


class Connection:
    """The process that `command` starts. `name` is what messages call it.

    Whoever waits for an answer reads, one at a time, also for the others; so an answer that
    comes at once costs no switch of threads. `note`, where there is one, is told each line after
    ``> `` or ``< ``. SysletError where it cannot be started.
    """

    def __init__(
        self, command: Sequence[str], name: str, note: Callable[[str], None] | None = None
    ) -> None:
        self.name, self._note = name, note
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
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self._stdin, False)
        self._nudged, self._nudge = os.pipe()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._takes_more = _ready(self._stdin, select.POLLOUT, self._nudged)
        self._says_more = _ready(self._stdout, select.POLLIN, self._nudged)
        self._questions: dict[int, _Question] = {}
        self._somebody_reads = False
        self._buffer = b""
        self._tag = 0
        self._lines = 0
        self._over: SysletError | None = None
        self._ended = False
        self.said = b""
        """The last of what the process wrote to stderr."""
        self._stderr_reader = threading.Thread(target=self._keep_stderr, daemon=True)
        self._stderr_reader.start()

    def ask(self, verb: str, words: str, timeout_s: float | None) -> str:
        """The answer to a request, without its tag: ``ok ...`` or ``error ...``.

        EngineDied, EngineSilent, or EngineError where the process does not keep to the protocol.
        """
        with self._lock:
            if self._over is not None:
                raise self._over
            self._tag += 1
            tag, question = self._tag, _Question(reads=not self._somebody_reads)
            self._questions[tag] = question
            self._somebody_reads = True
        line = f"{tag} {verb} {words}\n" if words else f"{tag} {verb}\n"
        if self._note is not None:
            self._note(f"> {line[:SHOWN_BYTES].rstrip()}")
        deadline = None if timeout_s is None else time.monotonic() + patient_s(timeout_s)
        try:
            in_time = self._write(line.encode("ascii", "replace")) and self._await(
                question, deadline
            )
        except BaseException:
            question.is_wanted = False
            self._pass_on(question)
            raise
        if not in_time:
            limit = patient_s(ANSWER_S if timeout_s is None else timeout_s)
            self._stop(EngineSilent(f"{self.name}: no answer to {verb} within {limit:g} s"))
        if question.answer is None:
            assert question.error is not None
            raise question.error
        return question.answer

    def _write(self, line: bytes) -> bool:
        """False where the process does not take the line within `ANSWER_S`.

        Where it is gone, whoever reads says how.
        """
        with self._writing:
            while line and self._over is None:
                try:
                    line = line[os.write(self._stdin, line) :]
                except BlockingIOError:
                    if not self._takes_more.poll(patient_s(ANSWER_S) * 1000):
                        return False
                except OSError:
                    break
        return True

    def _await(self, question: _Question, deadline: float | None) -> bool:
        """Wait for what comes of it, and read where it is its turn. False: not by the deadline."""
        if not question.reads:
            assert question.turn is not None
            if not question.turn.acquire(timeout=_left_s(deadline)):
                return False
        if question.answer is None and question.error is None:
            if not self._read(question, deadline):
                return False
            self._pass_on(question)
        return True

    # -- reading -----------------------------------------------------------------------

    def _read(self, own: _Question, deadline: float | None) -> bool:
        """Read answers until there is one to `own`. False where there is none by the deadline."""
        with self._reading:
            while own.answer is None and own.error is None:
                if not self._says_more.poll(None if deadline is None else _left_s(deadline) * 1000):
                    return False
                if self._over is None:
                    self._take(os.read(self._stdout, LINE_BYTES))
        return True

    def _pass_on(self, question: _Question) -> None:
        """Let another one read, if it was this one's turn."""
        with self._lock:
            if not question.reads:
                return
            question.reads = self._somebody_reads = False
            for heir in self._questions.values():
                if heir.is_wanted:
                    heir.reads = self._somebody_reads = True
                    assert heir.turn is not None
                    heir.turn.release()
                    return

    def _take(self, data: bytes) -> None:
        """Pair answers with questions."""
        if not data:
            self._stop(self._death())
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._lines += 1
            if self._note is not None:
                self._note(f"< {printable(shown(line))}")
            why = self._settle(line)
            if why:
                self._break_off(line, why)
                return
        if len(self._buffer) >= LINE_BYTES:
            self._lines += 1
            self._break_off(self._buffer, TOO_LONG)

    def _settle(self, line: bytes) -> str:
        """Give a line to whoever asked; what is wrong with it, or the empty string."""
        if len(line) >= LINE_BYTES:
            return TOO_LONG
        word, _, answer = line.decode("ascii", "backslashreplace").partition(" ")
        if not word.isdecimal() or len(word) > 20:
            return "wanted a tag"
        if answer[:3] != "ok " and answer.partition(" ")[0] not in {"ok", "error"}:
            return "wanted ok or error after the tag"
        tag = int(word)
        with self._lock:
            question = self._questions.pop(tag, None)
            if question is not None:
                question.answer = answer
                question.wake()
                return ""
            asked = tag <= self._tag
        if tag == 0:
            return "it could not read a tag"
        return f"{tag} was answered before" if asked else f"nobody asked {tag}"

    def _break_off(self, line: bytes, why: str) -> None:
        where = f"line {self._lines}: {shown(line)!r}"
        self._stop(EngineError(f"{self.name}: not an answer: {where}: {why}"))

    def _stop(self, why: SysletError) -> None:
        """Nothing is answered any more, and the first reason stays."""
        with self._lock:
            first = self._over is None
            why = self._over = self._over or why
            questions, self._questions = list(self._questions.values()), {}
            for question in questions:
                question.error = why
                question.wake()
        if first:
            os.close(self._nudge)

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
            self._note = None
            works = self._over is None
        if works:
            self._say_goodbye()
        self._stop(EngineError(f"{self.name}: the engine was closed"))
        with self._writing:
            self._close(self.process.stdin)
        for insist in (None, self.process.terminate, self.process.kill):
            if insist is not None:
                insist()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(GOODBYE_S)
                break
        self._stderr_reader.join(GOODBYE_S)
        if not self._stderr_reader.is_alive():  # a child of the process's may hold the other end
            self._close(self.process.stderr)
        with self._reading:
            self._close(self.process.stdout)
        os.close(self._nudged)

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


def _ready(fd: int, event: int, nudged: int) -> select.poll:
    """What waits for the event, or for the end of the connection."""
    ready = select.poll()
    ready.register(fd, event)
    ready.register(nudged, select.POLLIN)
    return ready


def _left_s(deadline: float | None) -> float:
    """How long it is to go; -1 where there is no deadline."""
    return -1 if deadline is None else max(deadline - time.monotonic(), 0)
