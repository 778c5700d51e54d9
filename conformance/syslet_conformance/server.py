"""The server of the engine protocol: an engine of this process for somebody else's harness.

What cannot block is served in the order in which it comes; each `exec` and `wait` runs in a
thread of its own, so that other requests are answered meanwhile.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NoReturn

from syslet_conformance.backends import Backend
from syslet_conformance.contract import Engine
from syslet_conformance.wire import (
    ANY,
    DATA_BYTES,
    LINE_BYTES,
    PROTOCOL_VERSION,
    SHOWN_BYTES,
    from_bytes,
    printable,
    to_bytes,
    to_number,
)
from syslet_layouts import SysletError, abi_named

MOST_MAPPED_BYTES = 1 << 30
"""The most that one `map` is asked for."""

MOST_CALLS = 100_000
"""Of exec and wait, outstanding at once."""

RUNNING_S = 0.2
"""How long a call that runs, and does not block, may take when the engine is to end."""

TAG_MOST = 2**64 - 1


class Malformed(SysletError):  # noqa: N818 - what is wrong with the line
    """A line that is no request, or one whose words are not what its verb takes."""


Word = int | str | bytes


class Server:
    """Serves engines of a backend to whoever writes requests to `requests`.

    `requests` and `answers` are descriptors; `abi` is the one spoken where any will do. One
    engine is opened, at hello.
    """

    def __init__(self, backend: Backend, requests: int, answers: int, abi: str = "") -> None:
        self._backend, self._abi = backend, abi or backend.abis[0]
        self._requests, self._answers = requests, answers
        self._answering = threading.Lock()
        self._engine: Engine | None = None
        self._calls = ThreadPoolExecutor(MOST_CALLS, "call")
        self._outstanding: set[Future[None]] = set()
        self._lines = 0

    def serve(self) -> None:
        """Answer until `bye`, or the end of the requests, which leaves what is blocked alone."""
        for line in self._requested():
            self._lines += 1
            if self._answer(line):
                return

    # -- lines -------------------------------------------------------------------------

    def _requested(self) -> Iterator[bytes]:
        """Lines without their newline; of one that is too long, LINE_BYTES of it."""
        buffer, passing_over = b"", False
        while data := os.read(self._requests, LINE_BYTES):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                if not passing_over:
                    yield line[:LINE_BYTES]
                passing_over = False
            if len(buffer) >= LINE_BYTES:
                if not passing_over:
                    yield buffer[:LINE_BYTES]
                buffer, passing_over = b"", True

    def _say(self, tag: int, text: str) -> None:
        """One line, whole. A harness that is gone wants no engine either."""
        line = f"{tag} {text}\n".encode()
        with self._answering:
            try:
                while line:
                    line = line[os.write(self._answers, line) :]
            except OSError:
                os._exit(1)

    def _answer(self, line: bytes) -> bool:
        """Serve one line; whether it was the last."""
        tag_word, *words = line.decode("latin-1").split(" ")
        tag = to_number(tag_word)
        try:
            if not 0 <= tag <= TAG_MOST:
                tag = 0
                raise Malformed("a line starts with a tag, a number")
            return self._serve(tag, line, [word for word in words if word])
        except Malformed as error:
            why = printable(f"{error}: {line[:SHOWN_BYTES].decode('latin-1')}")
            self._say(tag, f"error line {self._lines}: {why}")
        except SysletError as error:
            self._say(tag, f"error {printable(str(error))}")
        return False

    def _serve(self, tag: int, line: bytes, words: list[str]) -> bool:
        """Serve one request; whether it was the last. SysletError."""
        if len(line) >= LINE_BYTES:
            raise Malformed(f"a line has {LINE_BYTES} bytes at most")
        if not words:
            raise Malformed("a request follows the tag")
        verb, *words = words
        if verb == "hello":
            version, abi = self._values(verb, "wt", words)
            self._say(tag, f"ok {self._hello(version, str(abi))}")
            return False
        if verb == "bye":
            self._values(verb, "", words)
            self._close()
            self._say(tag, "ok")
            return True
        if verb not in VERBS:
            raise Malformed("no such request")
        takes, call = VERBS[verb]
        values = self._values(verb, takes, words)
        if self._engine is None:
            raise SysletError(f"{verb}: hello comes first")
        if verb in MAY_BLOCK:
            future = self._calls.submit(self._call, tag, call, values)
            self._outstanding.add(future)
            future.add_done_callback(self._outstanding.discard)
        else:
            self._say(tag, f"ok {call(self._engine, *values)}".rstrip(" "))
        return False

    def _call(self, tag: int, call: Callable[..., str], values: Sequence[Word]) -> None:
        """In a thread of its own. An engine that breaks ends the process, and says why."""
        try:
            self._say(tag, f"ok {call(self._engine, *values)}")
        except SysletError as error:
            self._say(tag, f"error {printable(str(error))}")
        except BaseException:
            die_of_error()

    def _values(self, verb: str, takes: str, words: Sequence[str]) -> list[Word]:
        if len(words) != len(takes):
            raise Malformed(f"{verb}: {len(takes)} words wanted, not {len(words)}")
        return [self._value(verb, kind, word) for kind, word in zip(takes, words, strict=True)]

    def _value(self, verb: str, kind: str, word: str) -> Word:
        """w: a word of the engine; t: text; b: bytes."""
        if kind == "t":
            return word
        if kind == "b":
            data = to_bytes(word)
            if data is None or len(data) > DATA_BYTES:
                raise Malformed(f"{verb}: wanted pairs of hex digits, {DATA_BYTES} at most, or -")
            return data
        number = to_number(word)
        most = TAG_MOST if self._engine is None else self._engine.abi.word_mask
        if not 0 <= number <= most:
            raise Malformed(f"{verb}: {word[:40]} is no number of a word")
        return number

    # -- the engine --------------------------------------------------------------------

    def _hello(self, version: Word, abi: str) -> str:
        """Open the engine, once; who it is."""
        if version != PROTOCOL_VERSION:
            raise SysletError(f"protocol version {version!r}: {PROTOCOL_VERSION} is spoken")
        abis = self._backend.abis
        spoken = abis if self._engine is None else (self._engine.abi.name,)
        wanted = abi if abi != ANY else spoken[0] if self._engine else self._abi
        if wanted not in spoken:
            raise SysletError(f"ABI {abi}: {', '.join(spoken)} is spoken")
        if self._engine is None:
            self._engine = self._backend.open(abi_named(wanted))
        said = self._engine.describe()
        facts = {
            **said.details,
            "build": said.build,
            "lacks": ",".join(sorted(said.lacks)),
            "abis": ",".join(abis),
        }
        keys = [f"{key}={value}" for key, value in facts.items() if value]
        words = [str(PROTOCOL_VERSION), said.name, said.version, wanted, *keys]
        return " ".join("-".join(printable(word).split()) for word in words)

    def _close(self) -> None:
        """End the engine. What is outstanding and does not block returns by itself before."""
        wait(list(self._outstanding), RUNNING_S)
        if self._engine is not None:
            self._engine.close()
        self._calls.shutdown()


def die_of_error() -> NoReturn:
    """Say what was raised, and end the process: whoever is blocked in a thread holds up nothing."""
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)


def _map(engine: Engine, size: int) -> str:
    if size > MOST_MAPPED_BYTES:
        raise SysletError(f"map of {size} bytes: {MOST_MAPPED_BYTES} at most")
    return hex(engine.map(size))


def _number(engine: Engine, name: str) -> str:
    number = engine.syscall_number(name)
    return "none" if number is None else str(number)


def _moves(verb: str, move: Callable[[Engine, int, int], bytes]) -> Callable[..., str]:
    """What reads from the engine, as much as a line holds."""

    def moved(engine: Engine, source: int, count: int) -> str:
        if count > DATA_BYTES:
            raise SysletError(f"{verb} of {count} bytes: {DATA_BYTES} at most")
        return from_bytes(move(engine, source, count))

    return moved


VERBS: dict[str, tuple[str, Callable[..., str]]] = {
    "map": ("w", _map),
    "unmap": ("w", lambda engine, address: engine.unmap(address) or ""),
    "peek": ("ww", _moves("peek", lambda engine, address, count: engine.read(address, count))),
    "poke": ("wb", lambda engine, address, data: engine.write(address, data) or ""),
    "number": ("t", _number),
    "pipe": ("", lambda engine: " ".join(map(str, engine.pipe()))),
    "feed": ("wb", lambda engine, fd, data: engine.feed(fd, data) or ""),
    "drain": ("ww", _moves("drain", lambda engine, fd, count: engine.drain(fd, count))),
    "close": ("w", lambda engine, fd: engine.close_fd(fd) or ""),
    "exec": ("ww", lambda engine, atom, head: hex(engine.exec(atom, head))),
    "wait": ("www", lambda engine, events, index, head: hex(engine.wait(events, index, head))),
}
"""What each verb but `hello` and `bye` takes (see `Server._value`), and what it answers."""

MAY_BLOCK = {"exec", "wait"}
