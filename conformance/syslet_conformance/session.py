"""A program loaded into an engine: its steps are performed, remembered, and looked at."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial

from syslet_conformance import calls
from syslet_conformance.calls import Call
from syslet_conformance.contract import Engine
from syslet_conformance.image import lay_out, section_bytes
from syslet_conformance.program import (
    Address,
    Atom,
    Close,
    Consume,
    Drain,
    Exec,
    Feed,
    Head,
    Join,
    Pipe,
    Poke,
    Program,
    Ring,
    Step,
    Store,
    Unmap,
    Value,
    Wait,
)
from syslet_layouts import SysletError, decode_head, decode_words, encode_words

NO_ANSWER = object()
"""What a step gave that was not over, in `Session.gave`: the engine died or hung in it."""

SLOTS_AT_ONCE = 16
"""How many slots one look at a ring takes in."""

WORDS_AT_ONCE = 128
"""How far apart variables may lie that one look takes in, in words."""

LEFT_OVER = 32
"""How many reports and late events of one head are taken when its program goes."""


class Missing(SysletError):  # noqa: N818 - a reason to skip
    """The engine lacks a call or a capability. Verdict `skip`, with that reason."""


def number_of(engine: Engine, name: str) -> int:
    """The number of a system call by its name. Missing where the engine has none."""
    number = engine.syscall_number(name)
    if number is None:
        raise Missing(f"the engine has no system call {name!r}")
    return number


class Session:
    """One program in one engine.

    `performed` holds the steps so far, as they were asked for (`performed.replayable` makes them
    such that they can be replayed elsewhere), and `gave` what each of them gave.
    """

    def __init__(self, engine: Engine, program: Program) -> None:
        self.engine, self.abi, self.program = engine, engine.abi, program
        self.performed: list[Step] = []
        self.gave: list[object] = []
        self.calls: list[Call] = []
        self.bases: list[int] = []
        self.pipes: dict[str, tuple[int, int]] = {}
        self._closed: set[str] = set()
        self._lacks = engine.describe().lacks
        self.unmapped: set[int] = set()
        self._addresses: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._heads = {d.label: d for d in program.declarations if isinstance(d, Head)}
        self._rings = {d.label: d for d in program.declarations if isinstance(d, Ring)}
        self.layout = lay_out(program, engine.abi)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        for section in self.layout.sections:
            self.bases.append(self.engine.map(max(section.size_bytes, 1)))
        for label, (number, offset) in self.layout.labels.items():
            self._addresses[label] = self.bases[number] + offset
        self._names = {address: label for label, address in self._addresses.items()}
        for declaration in self.program.declarations:
            if isinstance(declaration, Pipe):
                self._need("pipe")
                self.pipes[declaration.label] = self.engine.pipe()
        numbers = partial(number_of, self.engine)
        images = section_bytes(self.program, self.abi, self.layout, self.bases, numbers, self.pipes)
        for base, image in zip(self.bases, images, strict=True):
            if image:
                self.engine.write(base, image)

    def _need(self, capability: str) -> None:
        if capability in self._lacks:
            raise Missing(f"the engine says that it lacks {capability!r}")

    def close(self) -> None:
        """Give back the memory and the pipes."""
        for label, ends in self.pipes.items():
            for end, fd in zip(("read", "write"), ends, strict=True):
                if f"{label}.{end}" not in self._closed:
                    self.engine.close_fd(fd)
        self.pipes = {}
        if self.bases:
            self._take_leave()
        while self.bases:
            base = self.bases.pop()
            if base not in self.unmapped:
                self.engine.unmap(base)

    def _take_leave(self) -> None:
        """Take what is left of losses: a later program's head may lie at the same address.

        Reports that no call had yet, and events that an engine delivers late: of each syslet one
        at most. A head that cannot be right has an error for each wait, and so no end of them.
        """
        atoms = (d for d in self.program.declarations if isinstance(d, Atom))
        nested = any(atom.nr == "async_exec" for atom in atoms)
        syslets = sum(isinstance(step, Exec) for step in self.performed)
        most = LEFT_OVER if nested else min(syslets, LEFT_OVER)
        for label, head in self._heads.items():
            with contextlib.suppress(SysletError):
                for _ in range(most):
                    reported = self.abi.signed(self.engine.wait(0, 0, self.address(label))) < 0
                    if not reported and not (head.ring and self.consume(head=label)):
                        break

    # -- looking -----------------------------------------------------------------------

    def address(self, value: Value | str) -> int:
        """The address of a label, or of ``&label+offset``; a number is itself."""
        if isinstance(value, str):
            return self._addresses[value]
        return value if isinstance(value, int) else self._addresses[value.label] + value.offset

    def words(self, label: Value | str, count: int) -> list[int]:
        """`count` unsigned words from there on."""
        data = self.engine.read(self.address(label), count * self.abi.word_bytes)
        return decode_words(self.abi, data)

    def word(self, label: Value | str) -> int:
        """The signed word there."""
        return self.abi.signed(self.words(label, 1)[0])

    def values(self, *labels: str) -> list[int]:
        """The signed words with these labels, read in one look where they lie together."""
        word_bytes, signed = self.abi.word_bytes, self.abi.signed
        addresses = [self._addresses[label] for label in labels]
        sections = {self.layout.labels[label][0] for label in labels}
        least, most = min(addresses), max(addresses)
        if len(sections) > 1 or most - least >= WORDS_AT_ONCE * word_bytes:
            return [self.word(label) for label in labels]
        data = self.engine.read(least, most - least + word_bytes)
        found = [data[a - least : a - least + word_bytes] for a in addresses]
        return [signed(decode_words(self.abi, word)[0]) for word in found]

    def slots(self, head: str = "head") -> list[int]:
        """The slots of the ring that belongs to `head`."""
        ring = self._heads[head].ring
        assert ring is not None
        return self.words(ring, self._rings[ring].slots)

    def index(self, field_name: str, head: Value | str = "head") -> int:
        """``kernel_ring_idx`` or ``user_ring_idx`` of the descriptor."""
        data = self.engine.read(self.address(head), self.abi.head_size)
        value: int = getattr(decode_head(self.abi, data), field_name)
        return value

    def name(self, address: int) -> str:
        """What lies at `address`, as text for a message: of several labels the last."""
        if not address:
            return "NULL"
        label = self._names.get(address)
        return f"&{label}" if label else f"{address:#x}"

    # -- doing -------------------------------------------------------------------------

    def _begin(self, step: Step) -> None:
        self.performed.append(step)
        self.gave.append(NO_ANSWER)

    def exec(self, atom: Value | str, head: Value | str = "head") -> int:
        """Exec, waited for: the return word. Hang."""
        self._begin(Exec(_value(atom), _value(head)))
        word = self.gave[-1] = calls.make("exec", self._exec(atom, head)).join()
        return word

    def exec_and_end_the_thread(self, atom: Value | str, head: Value | str = "head") -> int:
        """Exec from a thread that is gone when this returns: the return word. Hang."""
        self._begin(Exec(_value(atom), _value(head)))
        word = self.gave[-1] = calls.make_and_end("exec", self._exec(atom, head))
        return word

    def start_exec(self, atom: Value | str, head: Value | str = "head") -> Call:
        """Exec, to go on beside other calls. Missing where other calls cannot go on meanwhile."""
        self._need("threads")
        self._begin(Exec(_value(atom), _value(head), started=True))
        return self._started(calls.make("exec", self._exec(atom, head)))

    def _exec(self, atom: Value | str, head: Value | str) -> Callable[[], int]:
        return partial(self.engine.exec, self.address(atom), self.address(head))

    def wait(self, n: int, head: Value | str = "head", user_ring_idx: int | None = None) -> int:
        """Wait, waited for: the return word. Hang."""
        self._begin(Wait(n, _value(head), user_ring_idx))
        word = self.gave[-1] = calls.make("wait", self._wait(n, head, user_ring_idx)).join()
        return word

    def start_wait(
        self, n: int, head: Value | str = "head", user_ring_idx: int | None = None
    ) -> Call:
        """Wait, to go on beside other calls. Missing where other calls cannot go on meanwhile.

        Where no index is given it is that of the descriptor, and 0 for a head that is a number.
        """
        self._need("threads")
        self._begin(Wait(n, _value(head), user_ring_idx, started=True))
        return self._started(calls.make("wait", self._wait(n, head, user_ring_idx)))

    def _wait(self, n: int, head: Value | str, user_ring_idx: int | None) -> Callable[[], int]:
        index, address = user_ring_idx, self.address(head)
        if index is None:
            index = 0 if isinstance(head, int) else self.index("user_ring_idx", head)
        return partial(self.engine.wait, n, index, address)

    def _started(self, call: Call) -> Call:
        call.on_join = self._on_join
        self.gave[-1] = call
        self.calls.append(call)
        return call

    def _on_join(self) -> None:
        """A test has waited for a call itself: a step where no other call is under way."""
        if self.calls and all(call.returned for call in self.calls):
            self._begin(Join())
            self.gave[-1] = [word for call in self.calls for word in call.words]
            self.calls.clear()

    def join(self) -> list[int]:
        """The return words of the calls that were started since the last join, in order. Hang."""
        self._begin(Join())
        started, self.calls = self.calls, []
        words = self.gave[-1] = [call.join() for call in started]
        return words

    def feed(self, pipe: str, data: bytes) -> None:
        """Write into a pipe from outside the engine."""
        self._begin(Feed(pipe, data))
        self.engine.feed(self.pipes[pipe][1], data)
        self.gave[-1] = None

    def drain(self, pipe: str, count: int) -> bytes:
        """Read what is in a pipe, up to `count` bytes."""
        self._begin(Drain(pipe, count))
        data = self.gave[-1] = self.engine.drain(self.pipes[pipe][0], count)
        return data

    def close_end(self, end: str) -> None:
        """Close ``label.read`` or ``label.write``."""
        self._begin(Close(end))
        label, _, side = end.rpartition(".")
        self._closed.add(end)
        self.engine.close_fd(self.pipes[label][side == "write"])
        self.gave[-1] = None

    def set_word(self, label: Value | str, value: Value) -> None:
        """Store a word from outside the engine."""
        self.store(_value(label), (value,))

    def store(self, place: Value, values: tuple[Value, ...]) -> None:
        """Store consecutive words from outside the engine."""
        self._begin(Store(place, values))
        self._write_words(self.address(place), list(map(self.address, values)))
        self.gave[-1] = None

    def write(self, place: Value | str, data: bytes) -> None:
        """Write bytes from outside the engine."""
        self._begin(Poke(_value(place), data))
        self.engine.write(self.address(place), data)
        self.gave[-1] = None

    def unmap(self, section: str) -> None:
        """Unmap one section, once; its labels keep the addresses that they had."""
        self._begin(Unmap(section))
        base = self.bases[[s.label for s in self.layout.sections].index(section)]
        self.unmapped.add(base)
        self.engine.unmap(base)
        self.gave[-1] = None

    def _write_words(self, address: int, words: list[int]) -> None:
        self.engine.write(address, encode_words(self.abi, words))

    def consume(self, count: int | None = None, head: str = "head") -> list[int]:
        """Take entries: each read, its slot cleared, then user_ring_idx stored.

        It takes none where user_ring_idx is not the index of a slot.
        """
        self._begin(Consume(head, count))
        ring = self._heads[head].ring
        assert ring is not None
        slots, taken = self._rings[ring].slots, list[int]()
        word_bytes, ring_address = self.abi.word_bytes, self.address(ring)
        offset = self.abi.head_offsets["user_ring_idx"]
        index = self.index("user_ring_idx", head)
        self.gave[-1] = taken
        while index < slots and (count is None or len(taken) < count):
            wanted = slots if count is None else count - len(taken)
            address = ring_address + index * word_bytes
            together = max(min(wanted, slots - index, SLOTS_AT_ONCE), 1)
            for entry in self.words(address, together):
                if not entry:
                    return taken
                self._write_words(ring_address + index * word_bytes, [0])
                index = (index + 1) % slots
                self._write_words(self.address(Address(head, offset)), [index])
                taken.append(entry)
        return taken

    def perform(self, step: Step) -> int | bytes | list[int] | Call | None:
        """Perform a step as a value; what it gave."""
        match step:
            case Exec(atom, head, started):
                return (self.start_exec if started else self.exec)(atom, _label(head))
            case Wait(n, head, index, started):
                return (self.start_wait if started else self.wait)(n, _label(head), index)
            case Feed(pipe, data):
                self.feed(pipe, data)
                return None
            case Drain(pipe, count):
                return self.drain(pipe, count)
            case Close(end):
                self.close_end(end)
                return None
            case Consume(head, count):
                return self.consume(count, head)
            case Store(place, values):
                self.store(place, values)
                return None
            case Poke(place, data):
                self.write(place, data)
                return None
            case Unmap(section):
                self.unmap(section)
                return None
            case Join():
                return self.join()


def _value(value: Value | str) -> Value:
    return Address(value) if isinstance(value, str) else value


def _label(value: Value) -> Value | str:
    return value.label if isinstance(value, Address) and not value.offset else value
