"""What a test of the suite works with: one engine on one ABI, and a mode.

`Rig.load` puts a program into the engine; `Rig.run` runs a syslet of it to its end, whether
cached or forced asynchronous, and says what came of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.calls import HANG_S, Hang
from syslet_conformance.contract import Engine, is_error
from syslet_conformance.patience import patient_s
from syslet_conformance.program import Address, Atom, Program
from syslet_conformance.session import Session, number_of
from syslet_layouts import Flag

UNJUDGED = "unjudged: "
"""How the reason of an unjudged test starts."""

MODES = ("cached", "async")
"""Cached permitted: the first atom as written. Forced asynchronous: SYSLET_ASYNC added to it."""


class Way(NamedTuple):
    """How a test is run: on which ABI, and in which mode if it runs in both."""

    abi: str
    mode: str | None

    def __str__(self) -> str:
        return self.abi if self.mode is None else f"{self.mode}-{self.abi}"


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one syslet that ran to its end.

    `returned` is the word of exec; `entry` what stood in the ring for it, None if nothing.
    """

    returned: int
    entry: int | None


class Rig:
    """One engine under test, on one ABI in one mode.

    `abis` are all of the run, this one among them; `run_seed` is the run's seed, as text.
    """

    def __init__(self, engine: Engine, way: Way, abis: tuple[str, ...], run_seed: str) -> None:
        self.engine, self.abi, self.abis = engine, engine.abi, abis
        self.mode = way.mode or "cached"
        self.seed = f"{run_seed}-{way}"
        """What a test draws by: on each ABI and in each mode it draws something else."""
        self.sessions: list[Session] = []
        self.characteristics: dict[str, str] = {}
        self.is_spent = False
        """A syslet may still end, or an error be told, at addresses that this test gives back:
        the engine is replaced after the test."""

    @property
    def is_async(self) -> bool:
        """Whether this test runs in the forced asynchronous mode."""
        return self.mode == "async"

    @property
    def is_on_first_abi(self) -> bool:
        """Whether this is the first ABI of the run, whichever child of it runs the test."""
        return self.abi.name == self.abis[0]

    def share(self, budget: int, least: int) -> int:
        """How much of what a test may draw falls to this ABI: an equal part, at least `least`."""
        return max(budget // len(self.abis), least)

    @property
    def start_flags(self) -> Flag:
        """What the first atom of each syslet carries where a program has several."""
        return Flag.ASYNC if self.is_async else Flag(0)

    def number(self, name: str) -> int:
        """The number of a system call. Missing where the engine has none."""
        return number_of(self.engine, name)

    def has(self, call: str, characteristic: str) -> bool:
        """Whether the engine has that call, which is recorded: other tests judge one that has not.

        For calls that a requirement does not ask for by name.
        """
        found = self.engine.syscall_number(call) is not None
        self.characteristic(characteristic, call if found else "none: not judged by one")
        return found

    def load(self, build: Build | Program, first: Address | None = None) -> Session:
        """Load a program; in the forced asynchronous mode `first` goes asynchronous at once."""
        program = build.program() if isinstance(build, Build) else build
        if first is not None and self.is_async:
            program = _forced(program, first.label)
        session = Session(self.engine, program)
        self.sessions.append(session)
        return session

    def run(self, build: Build | Program, first: Address) -> tuple[Session, Ran]:
        """Load, and run the syslet that starts at `first` to its end."""
        session = self.load(build, first)
        return session, self.finish(session, first)

    def finish(self, session: Session, first: Address, head: str = "head") -> Ran:
        """Run one syslet to its end. Fails where exec and ring do not agree (exec.one-outcome).

        An address returned by exec may be the first or, on an engine that answers so, another
        one of the syslet: `exec.cached-returns-submitted` has tests of its own.
        """
        returned = session.exec(first, head)
        assert not self.is_error(returned), (
            f"exec: expected an address or NULL, got {self.errno(returned)}"
        )
        if returned:
            assert not self.is_async, "exec: expected NULL from SYSLET_ASYNC, got an address"
            assert not session.consume(1, head), "expected no entry for a cached syslet, got one"
            return Ran(returned, None)
        waited = session.wait(1, head)
        assert not self.is_error(waited), f"wait: expected success, got {self.errno(waited)}"
        entries = session.consume(1, head)
        return Ran(returned, entries[0] if entries else None)

    def assert_ended_at(self, session: Session, ran: Ran, atom: Address) -> None:
        """The entry, where there is one, names `atom` (ring.entry-is-final-atom)."""
        if ran.entry is None:
            assert ran.returned, (
                f"expected an entry {session.name(session.address(atom))}, got none"
            )
            return
        got, expected = session.name(ran.entry), session.name(session.address(atom))
        assert ran.entry == session.address(atom), f"expected the entry {expected}, got {got}"

    def is_error(self, word: int) -> bool:
        """Whether a return word is a negative errno."""
        return is_error(self.abi, word)

    def errno(self, word: int) -> int:
        """The signed value of a return word."""
        return self.abi.signed(word)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Look until `holds`; Hang where it does not come. It orders nothing: it only looks."""
        deadline = time.monotonic() + patient_s(HANG_S)
        while not holds():
            if time.monotonic() > deadline:
                raise Hang(f"expected {what} within {patient_s(HANG_S):g} s")

    def characteristic(self, name: str, value: str) -> None:
        """Record how the engine does what it may do as it likes (MAY rows)."""
        self.characteristics[name] = value

    def close(self) -> None:
        """Give back what the test's programs held."""
        while self.sessions:
            self.sessions.pop().close()


def unjudged(reason: str) -> None:
    """End the test: too little evidence. Verdict `unjudged`."""
    pytest.skip(UNJUDGED + reason)


def _forced(program: Program, label: str) -> Program:
    declarations = tuple(
        replace(d, flags=d.flags | Flag.ASYNC) if isinstance(d, Atom) and d.label == label else d
        for d in program.declarations
    )
    return replace(program, declarations=declarations)
