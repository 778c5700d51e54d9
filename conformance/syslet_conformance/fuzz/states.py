"""The states that the orders of a stream come to: from each of them, orders go on once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import TypeVar

from syslet_conformance.interleavings import Choices
from syslet_reference import ReferenceEngine
from syslet_reference.choices import Chooser
from syslet_reference.files import PipeReadEnd
from syslet_reference.syslet import Pause, Syslet
from syslet_reference.trace import Trace

Told = TypeVar("Told")


class Been(Exception):  # noqa: N818 - what it says
    """From this state every order has been gone through."""


class States(ReferenceEngine):
    """The reference, played in one order after the other.

    What it comes to hangs on memory, pipes, heads and syslets, and on what its player asks next,
    which hangs on what that was told.
    """

    _pick: Chooser | None = None
    """What chooses, whatever the state."""
    _blocks_with: Hashable = None
    """What the call that is being made holds on to while it blocks; None: what it did before."""

    def play_with(
        self,
        chooser: Chooser | None,
        trace: Trace | None = None,
        been: set[Hashable] | None = None,
    ) -> None:
        """The next stream's interleaving is chosen so, and it is traced so.

        With `been`, Been is raised where a choice comes up for the first time in a state that is in
        there; `chooser` goes through every order, and further states are added.
        """
        self._pick = self._chooser = chooser
        self._trace = self._traced(trace)
        if isinstance(chooser, Choices) and been is not None:
            self._chooser = partial(self._choose_once, chooser, been)

    def _traced(self, trace: Trace | None) -> Trace | None:
        """What sees each step."""
        return trace

    def forget(self) -> None:
        """A stream begins."""
        self._execs = self._asked = 0
        self._heads.clear()
        self._runnable.clear()
        self._live: dict[int, Syslet] = {}
        self._held: dict[int, Hashable] = {}
        self._told: list[object] = []

    def asked(self) -> None:
        """The player asks for something, in which syslets may go on."""
        self._asked += 1

    def told(self, what: Told) -> Told:
        """The player is told it."""
        self._told.append(what)
        return what

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        self._live[syslet.number] = syslet
        self._blocks_with = None
        pause = super()._run(syslet, atoms)
        if pause is Pause.BLOCKED and self._blocks_with is not None:
            self._held[syslet.number] = self._blocks_with
        elif pause in (Pause.ENDED, Pause.FAULTED):
            del self._live[syslet.number]
        return pause

    def _choose_once(self, choices: Choices, been: set[Hashable], alternatives: int) -> int:
        if choices.is_new and not self._is_elsewhere():
            state = self._state(alternatives)
            if state in been:
                raise Been
            been.add(state)
        return choices(alternatives)

    def _is_elsewhere(self) -> bool:
        """Whether a part of the state lies where this cannot see it: in another thread's call."""
        return False

    def _state(self, alternatives: int) -> Hashable:
        """All of it but memory."""
        seen: list[Hashable] = [alternatives, self._asked, tuple(self._told)]
        for number, syslet in sorted(self._live.items()):
            blocked = syslet.blocked
            seen += [number, syslet.atom, syslet.last, syslet.asynchronous]
            seen.append(syslet in self._runnable)
            if blocked is not None:
                seen += [syslet.fields, self._held[number], blocked.on_wake is None]
        for at, head in sorted(self._heads.items()):
            seen += [at, head.pending, tuple(head.errors)]
        for file in self.kernel.files.values():
            if isinstance(file, PipeReadEnd):
                seen.append(bytes(file.pipe.data))
        return hash(tuple(seen))
