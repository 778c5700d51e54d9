"""A first look at an engine: can it be asked, has it memory, does it run, block, and wait?

`look` makes the calls of the contract that every test makes, on one engine, and yields what came
of each; it stops at the first that goes wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from syslet_conformance.contract import Engine, EngineDied, EngineError, EngineSilent
from syslet_layouts import (
    AsyncHeadUser,
    SysletError,
    SysletUatom,
    decode_words,
    encode_atom,
    encode_head,
    encode_words,
)

MAPPED_BYTES = 4096
HEAD, RING, ATOM, VARIABLES, BUFFER = 0, 64, 128, 512, 1024
"""Where they lie in what is mapped; the ring has one slot."""

ANSWER_S = 2.0
"""How long each call may take: what blocks is released before."""

EARLY_S = 0.2
"""How long it is looked whether a wait returns that should not."""

GREETING = b"hi"


class Fault(StrEnum):
    """Who is at fault where something is wrong."""

    HARNESS = "the harness"
    PROTOCOL = "the engine's side of the protocol"
    ENGINE = "the engine"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at: what was found, or what is wrong; skipped where not asked."""

    name: str
    found: str = ""
    wrong: str = ""
    skipped: str = ""
    fault: Fault | None = None


def fault_of(error: SysletError) -> Fault:
    """Of an engine that dies, hangs or refuses; or of one whose answer is none."""
    is_speech = isinstance(error, EngineError) and not isinstance(error, EngineDied | EngineSilent)
    return Fault.PROTOCOL if is_speech else Fault.ENGINE


class Wrong(SysletError):  # noqa: N818 - what is wrong
    """The engine answers, and not what it should."""


def look(engine: Engine) -> Iterator[Step]:
    """Each step as it is done. What the engine or the way to it raises is the step's `wrong`."""
    looker = _Looker(engine)
    for name, step in STEPS.items():
        lacks = NEEDS.get(name, frozenset()) & engine.describe().lacks
        if lacks:
            yield Step(name, skipped=f"the engine lacks {', '.join(sorted(lacks))}")
            continue
        try:
            yield Step(name, found=step(looker))
        except SysletError as error:
            yield Step(name, wrong=str(error), fault=fault_of(error))
            return


class _Call:
    """A call that may block, in a thread of its own."""

    def __init__(self, name: str, call: Callable[[], int]) -> None:
        self._name, self._call = name, call
        self._outcome: int | SysletError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome = self._call()
        except SysletError as error:
            self._outcome = error

    def returns_within(self, seconds: float) -> bool:
        """Whether it has returned by then."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def join(self) -> int:
        """What it returned. SysletError, or Wrong where it does not return in time."""
        self._thread.join(ANSWER_S)
        if self._outcome is None:
            raise Wrong(f"{self._name}: expected its return within {ANSWER_S:g} s, got none")
        if isinstance(self._outcome, SysletError):
            raise self._outcome
        return self._outcome


@dataclass(slots=True)
class _Looker:
    """What one step leaves to the next."""

    engine: Engine
    base: int = 0
    ends: tuple[int, int] = (-1, -1)
    waiting: _Call | None = None

    def map(self) -> str:
        self.base = self.engine.map(MAPPED_BYTES)
        _expect("peek of what was mapped", self.engine.read(self.base, 8), bytes(8))
        return f"{MAPPED_BYTES} bytes at {self.base:#x}, zeroed"

    def poke_and_peek(self) -> str:
        data = bytes(range(1, 9))
        self.engine.write(self.base, data)
        _expect("peek of what was poked", self.engine.read(self.base, 8), data)
        return "what was poked is there"

    def getpid(self) -> str:
        number = self._number("getpid")
        returned = self._exec(number, ())
        how = "cached"
        if returned == 0:
            how = "in parallel"
            _expect("wait", self._wait().join(), 0)
        else:
            _expect("exec", returned, self.base + ATOM)
        result = self._variable(0)
        if not 0 < result < 1 << 31:
            raise Wrong(f"the result of getpid: expected a positive number, got {result:#x}")
        return f"{how}, its result is {result}"

    def block(self) -> str:
        number = self._number("read")
        self.ends = self.engine.pipe()
        words = (self.ends[0], self.base + BUFFER, len(GREETING))
        _expect("exec of a read from an empty pipe", self._exec(number, words), 0)
        return "a read from an empty pipe goes on in parallel"

    def release(self) -> str:
        self.waiting = self._wait()
        if self.waiting.returns_within(EARLY_S):
            raise Wrong(
                f"wait: expected none while the read is blocked, got {self.waiting.join():#x}"
            )
        self.engine.feed(self.ends[1], GREETING)
        return "the pipe was fed while a wait was outstanding"

    def wait(self) -> str:
        assert self.waiting is not None
        _expect("wait", self.waiting.join(), 0)
        _expect("the slot of the ring", self._words(RING, 1)[0], self.base + ATOM)
        _expect("the result of read", self._variable(0), len(GREETING))
        _expect("what was read", self.engine.read(self.base + BUFFER, len(GREETING)), GREETING)
        return "it returned 0, the ring holds the atom, and the bytes were read"

    def unmap(self) -> str:
        for fd in self.ends:
            if fd >= 0:
                self.engine.close_fd(fd)
        self.engine.unmap(self.base)
        return "what was held is given back"

    def _wait(self) -> _Call:
        return _Call("wait", lambda: self.engine.wait(1, 0, self.base + HEAD))

    def _number(self, name: str) -> int:
        number = self.engine.syscall_number(name)
        if number is None:
            raise Wrong(f"the number of {name}: expected one, got none")
        return number

    def _exec(self, number: int, words: tuple[int, ...]) -> int:
        """Run one atom with these arguments, its result in variable 0; what exec returned."""
        engine, abi = self.engine, self.engine.abi
        at = [self.base + VARIABLES + i * abi.word_bytes for i in range(len(words) + 1)]
        head = AsyncHeadUser(0, 0, self.base + RING, abi.word_bytes)
        given = [*at[1:], *[0] * (6 - len(words))]
        atom = SysletUatom._make((0, number, at[0], 0, *given, 0))
        engine.write(self.base + RING, bytes(abi.word_bytes))
        engine.write(at[0], encode_words(abi, [0, *words]))
        engine.write(self.base + HEAD, encode_head(abi, head))
        engine.write(self.base + ATOM, encode_atom(abi, atom))
        return _Call("exec", lambda: engine.exec(self.base + ATOM, self.base + HEAD)).join()

    def _words(self, offset: int, count: int) -> list[int]:
        abi = self.engine.abi
        data = self.engine.read(self.base + offset, count * abi.word_bytes)
        return list(decode_words(abi, data))

    def _variable(self, index: int) -> int:
        return self._words(VARIABLES, index + 1)[index]


def _expect(what: str, got: object, expected: object) -> None:
    if got != expected:
        expected, got = (hex(v) if isinstance(v, int) else v for v in (expected, got))
        raise Wrong(f"{what}: expected {expected}, got {got}")


STEPS: dict[str, Callable[[_Looker], str]] = {
    "map": _Looker.map,
    "poke, peek": _Looker.poke_and_peek,
    "getpid": _Looker.getpid,
    "block": _Looker.block,
    "release": _Looker.release,
    "wait": _Looker.wait,
    "unmap, close": _Looker.unmap,
}
"""In their order: each needs those before."""

_PIPES = frozenset({"pipe", "threads"})
NEEDS = {"block": _PIPES, "release": _PIPES, "wait": _PIPES}
"""Capabilities without which a step is not asked for."""
