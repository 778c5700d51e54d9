"""The reference as the twin of an engine that has a program loaded, whichever way it may go.

The program lies at the same addresses and has the same descriptors there, so that what the two
come to is compared word by word. Where several outcomes are allowed they are all gone through:
who runs next, and whether a call that could block goes asynchronous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.calls import Call
from syslet_conformance.contract import Engine, is_error
from syslet_conformance.fuzz.cachemiss import missed
from syslet_conformance.interleavings import Choices
from syslet_conformance.program import Address, Atom, Exec, Join, Step, Value, Wait
from syslet_conformance.replay import Replay
from syslet_conformance.session import Session
from syslet_layouts import SysletError
from syslet_reference import NUMBERS
from syslet_reference.blocking import Blocked
from syslet_reference.choices import Chooser
from syslet_reference.kernel import Call as KernelCall
from syslet_reference.memory import PAGE_BITS
from syslet_reference.syslet import Syslet

CANNOT_BLOCK = frozenset({"getpid", "umem_add"})
"""What always completes in the caller (exec.cached-when-nothing-can-block)."""

Given = str | int | bytes | tuple[int, ...] | None


class Outcome(NamedTuple):
    """What each step gave, and the bytes of each section that is still there.

    Exec gave ``an error``, ``NULL`` or ``an atom``, wait ``an error`` or a number: which errno,
    and which atom of a cached syslet, is left open.
    """

    gave: tuple[Given, ...]
    memory: tuple[bytes, ...]


class Open(SysletError):  # noqa: N818 - a reason to give no verdict
    """What the program comes to is left open."""


def outcomes(of: Session, numbers: Mapping[str, int], pid: int) -> Iterator[Outcome]:
    """What may come of the steps that `of` has performed, one interleaving after the other.

    `numbers` are those of its engine's calls, as `numbers_of` has them, `pid` is what getpid gives
    there. Open where events find no place in a ring; SysletError where a step cannot be taken, or
    waits for a later one.
    """
    return interleavings(partial(_replayed, of, numbers, pid))


def numbers_of(engine: Engine) -> dict[str, int]:
    """The numbers of the calls that an engine has, of those that the reference knows."""
    found = {name: engine.syscall_number(name) for name in NUMBERS}
    return {name: number for name, number in found.items() if number is not None}


def interleavings(run: Callable[[Chooser], Outcome]) -> Iterator[Outcome]:
    """What a run gives by each way to choose."""
    choices = Choices()
    while True:
        choices.begin()
        yield run(choices)
        if not choices.advance():
            return


def _replayed(of: Session, numbers: Mapping[str, int], pid: int, chooser: Chooser) -> Outcome:
    twin = _Twin(of, numbers, pid, chooser)
    replay = Replay(of, numbers, twin)
    try:
        replay.run()
        for took in replay.took:
            if took.error:
                raise SysletError(f"on the reference: {took.error}")
        return outcome(replay.session, [took.gave for took in replay.took])
    finally:
        replay.close()


class _Twin(EmbeddedEngine):
    """The reference with the memory and the descriptors of a loaded program."""

    def __init__(self, of: Session, numbers: Mapping[str, int], pid: int, chooser: Chooser) -> None:
        super().__init__(of.abi, chooser=chooser, numbers=numbers)
        self._bases, self._ends = iter(of.bases), iter(of.pipes.values())
        self._sizes: dict[int, int] = {}
        calls = self.kernel.calls = {}
        for name, nr in numbers.items():
            call = getattr(self.kernel, f"sys_{name}")
            calls[nr] = call if name in CANNOT_BLOCK else partial(self._may_miss, call)
        if "getpid" in numbers:
            calls[numbers["getpid"]] = lambda _args: pid

    def _may_miss(self, call: KernelCall, args: Sequence[int]) -> int | Blocked:
        result = call(args)
        assert self._chooser is not None
        return result if isinstance(result, Blocked) or not self._chooser(2) else missed(result)

    def map(self, size: int) -> int:
        """Where the engine has it."""
        base = next(self._bases)
        self.memory.map_at(base, size)
        self._sizes[base] = size
        return base

    def unmap(self, address: int) -> None:
        """Unmap what `map` returned."""
        last = address + self._sizes.pop(address) - 1
        for page in range(address >> PAGE_BITS, (last >> PAGE_BITS) + 1):
            del self.memory.pages[page]

    def pipe(self) -> tuple[int, int]:
        """A new pipe with the engine's descriptors."""
        ends, files = next(self._ends), self.kernel.files
        opened = [files.pop(fd) for fd in super().pipe()]
        files.update(zip(ends, opened, strict=True))
        return ends

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        index, error = super()._post(syslet)
        if error:
            raise Open("what becomes of an event that finds no place is left open")
        return index, error


# -- what a session came to -------------------------------------------------------------


def outcome(session: Session, gave: Sequence[object]) -> Outcome:
    """What the steps of a session came to, given what each gave. SysletError where one blocks."""
    pairs = zip(session.performed, gave, strict=True)
    memory = [
        session.engine.read(base, section.size_bytes)
        for base, section in zip(session.bases, session.layout.sections, strict=True)
        if base not in session.unmapped
    ]
    return Outcome(tuple(_given(session, step, given) for step, given in pairs), tuple(memory))


def _given(session: Session, step: Step, given: object) -> Given:
    if isinstance(given, Call):
        given = given.words[0] if given.words else None
    match step, given:
        case Exec(atom), int():
            return _word(session, given, atom)
        case Wait(), int():
            return "an error" if is_error(session.abi, given) else given
        case ((Exec() | Wait()), _):
            raise SysletError("a call waits for what no later step brings")
        case Join(), _:
            return None
        case _, list():
            return tuple(given)
        case _:
            assert given is None or isinstance(given, bytes)
            return given


def _word(session: Session, word: int, atom: Value) -> Given:
    if not word:
        return "NULL"
    if is_error(session.abi, word):
        return "an error"
    atoms = {
        session.address(Address(d.label))
        for d in session.program.declarations
        if isinstance(d, Atom)
    }
    return "an atom" if word in {session.address(atom), *atoms} else word
