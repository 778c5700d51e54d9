"""The client of the engine protocol: an engine in another process, as an `Engine`.

A request is a line ``TAG VERB WORD...``; its answer ``TAG ok VALUE...`` or ``TAG error
MESSAGE``, whenever it comes. `Connection` pairs them, from whichever threads they are asked; so
exec and wait may be outstanding while other requests go on.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Sequence

from syslet_conformance.connection import ANSWER_S, Connection
from syslet_conformance.contract import CAPABILITIES, Description, EngineError
from syslet_conformance.wire import (
    ANY,
    DATA_BYTES,
    PROTOCOL_VERSION,
    SHOWN_BYTES,
    from_bytes,
    printable,
    to_bytes,
    to_number,
)
from syslet_layouts import Abi, SysletError, abi_named


class ProtocolEngine:
    """The engine that `command` starts, on `abi`, or on one of its choice where that is None.

    `name` is what messages call it. SysletError where the command cannot be started or the
    engine refuses, EngineError (EngineDied, EngineSilent) where it does not say a right hello.
    `answer_s` is how long an answer may take to what cannot block, `start_s` that to hello;
    `note` is told each line.
    """

    def __init__(
        self,
        command: Sequence[str],
        abi: Abi | None = None,
        *,
        name: str = "",
        answer_s: float = ANSWER_S,
        start_s: float | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._name = name or command[0]
        self._answer_s = answer_s if start_s is None else start_s
        self._connection = Connection(command, self._name, note)
        self._numbers: dict[str, int | None] = {}
        try:
            wanted = ANY if abi is None else abi.name
            self._hello(wanted, self._ask("hello", PROTOCOL_VERSION, wanted))
            self._answer_s = answer_s
        except BaseException:
            self._connection.end()
            raise

    def _hello(self, wanted: str, values: list[str]) -> None:
        facts = dict(word.partition("=")[::2] for word in values[4:])
        if len(values) < 4 or not all("=" in word for word in values[4:]):
            raise self._wrong("hello", values, "VERSION NAME ENGINE_VERSION ABI key=value...")
        number, name, version, abi = values[:4]
        if number != str(PROTOCOL_VERSION):
            raise self._wrong("hello", values, f"version {PROTOCOL_VERSION} of the protocol")
        try:
            self._abi = abi_named(abi)
        except SysletError as error:
            raise self._wrong("hello", values, f"an ABI ({error})") from None
        if wanted not in {ANY, abi}:
            raise self._wrong("hello", values, f"the ABI {wanted}")
        lacks = frozenset(filter(None, facts.pop("lacks", "").split(",")))
        if not lacks <= set(CAPABILITIES):
            raise self._wrong("hello", values, f"lacks= out of {', '.join(CAPABILITIES)}")
        self.abis = tuple(filter(None, facts.pop("abis", abi).split(",")))
        """The ABIs that it says it can be asked for."""
        build = facts.pop("build", "")
        self._description = Description(name, version, lacks, build, facts)

    # -- questions and answers ---------------------------------------------------------

    def _ask(self, verb: str, *words: int | str, may_block: bool = False) -> list[str]:
        """The values of an ok answer. SysletError where it is an error."""
        timeout_s = None if may_block else self._answer_s
        kind, *values = self._connection.ask(verb, " ".join(map(str, words)), timeout_s).split()
        if kind == "ok":
            return values
        raise SysletError(f"{self._name}: {verb}: {printable(' '.join(values)) or 'an error'}")

    def _wrong(self, verb: str, values: Sequence[str], wanted: str) -> EngineError:
        line = " ".join(["ok", *values])
        return EngineError(
            f"{self._name}: {verb}: answered {line[:SHOWN_BYTES]!r}, wanted {wanted}"
        )

    def _none(self, verb: str, *words: int | str) -> None:
        values = self._ask(verb, *words)
        if values:
            raise self._wrong(verb, values, "no value")

    def _numbers_of(
        self, count: int, verb: str, *words: int | str, may_block: bool = False
    ) -> list[int]:
        values = self._ask(verb, *words, may_block=may_block)
        numbers = [to_number(value) for value in values]
        if len(numbers) != count or not all(0 <= n <= self._abi.word_mask for n in numbers):
            what = "a number" if count == 1 else f"{count} numbers"
            raise self._wrong(verb, values, f"{what} of {self._abi.word_bytes} bytes")
        return numbers

    def _bytes_of(self, verb: str, *words: int | str) -> bytes:
        values = self._ask(verb, *words)
        data = to_bytes(values[0]) if len(values) == 1 else None
        if data is None:
            raise self._wrong(verb, values, "one run of hex digits, or -")
        return data

    # -- the contract ------------------------------------------------------------------

    @property
    def abi(self) -> Abi:
        """The ABI that it answered to hello."""
        return self._abi

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The engine's process."""
        return self._connection.process

    @property
    def said(self) -> bytes:
        """The last of what the process wrote to stderr."""
        return self._connection.said

    @said.setter
    def said(self, said: bytes) -> None:
        self._connection.said = said

    def describe(self) -> Description:
        """What it said to hello."""
        return self._description

    def map(self, size_bytes: int) -> int:
        """Map zeroed memory."""
        return self._numbers_of(1, "map", size_bytes)[0]

    def unmap(self, address: int) -> None:
        """Unmap what `map` returned."""
        self._none("unmap", hex(address))

    def read(self, address: int, count: int) -> bytes:
        """Read memory. SysletError where it is not mapped."""
        parts = []
        for offset, size in _parts(count):
            part = self._bytes_of("peek", hex(address + offset), size)
            if len(part) != size:
                raise EngineError(f"{self._name}: peek of {size} bytes: answered {len(part)}")
            parts.append(part)
        return b"".join(parts)

    def write(self, address: int, data: bytes) -> None:
        """Write memory. SysletError where it is not mapped."""
        for offset, size in _parts(len(data)):
            self._none("poke", hex(address + offset), from_bytes(data[offset : offset + size]))

    def syscall_number(self, name: str) -> int | None:
        """The number that an atom's nr takes for a call, or None; asked once."""
        if name not in self._numbers:
            values = self._ask("number", name)
            number = None if values == ["none"] else to_number(" ".join(values))
            if number is not None and not 0 <= number <= self._abi.word_mask:
                raise self._wrong("number", values, "a number of a word, or none")
            self._numbers[name] = number
        return self._numbers[name]

    def pipe(self) -> tuple[int, int]:
        """A new pipe's (read end, write end)."""
        read_end, write_end = self._numbers_of(2, "pipe")
        return read_end, write_end

    def feed(self, fd: int, data: bytes) -> None:
        """Write into a pipe. SysletError where it does not take all of it at once."""
        for offset, size in _parts(len(data)):
            self._none("feed", fd, from_bytes(data[offset : offset + size]))

    def drain(self, fd: int, count: int) -> bytes:
        """Up to `count` bytes that are there."""
        data = b""
        for _, size in _parts(count):
            part = self._bytes_of("drain", fd, size)
            if len(part) > size:
                raise EngineError(f"{self._name}: drain of {size} bytes: answered {len(part)}")
            data += part
            if len(part) < size:
                break
        return data

    def close_fd(self, fd: int) -> None:
        """Close a descriptor. SysletError where it is not open."""
        self._none("close", fd)

    def exec(self, atom: int, head: int) -> int:
        """``sys_async_exec``: the return word; for as long as it takes."""
        return self._numbers_of(1, "exec", hex(atom), hex(head), may_block=True)[0]

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        """``sys_async_wait``: the return word; for as long as it takes."""
        words = (min_events, user_ring_idx, hex(head))
        return self._numbers_of(1, "wait", *words, may_block=True)[0]

    def close(self) -> None:
        """Say goodbye, and see to it that the process is gone. What is outstanding ends."""
        self._connection.end()


def _parts(count: int) -> Iterable[tuple[int, int]]:
    """(offset, size) of each part of a transfer: one at least, none above DATA_BYTES."""
    if count <= DATA_BYTES:
        return ((0, count),)
    return [(at, min(DATA_BYTES, count - at)) for at in range(0, count, DATA_BYTES)]
