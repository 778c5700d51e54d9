"""What a session performed, once more, on a reference engine of its own, with the trace.

Nothing in it hangs: a call that only a later step can let go is seen to be so, and whatever
runs is ended when the time is over.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.calls import Call
from syslet_conformance.performed import replayable
from syslet_conformance.program import Exec, Join, Step, Wait
from syslet_conformance.session import Session
from syslet_layouts import SysletError
from syslet_reference import Event

LIMIT_S = 2.0
"""How long a replay may take."""

LOOK_S = 0.005
"""How long it waits for a call before it looks whether the call can return at all."""

MOST_EVENTS = 20_000
"""So many are kept of a replay, and at most `EVENTS_A_TURN` of each step."""

EVENTS_A_TURN = 2_000

BLOCKED = object()
"""What a call gave that can return only after a later step."""


class _Over(Exception):  # noqa: N818 - what it says
    """The time is over."""


@dataclass(slots=True)
class Took:
    """A step, what it gave, the error that it gave instead, and the events meanwhile."""

    step: Step
    gave: object = None
    error: str = ""
    events: list[Event] = field(default_factory=list)
    cut: bool = False
    """Whether there were more events."""


class Replay:
    """The replay of one session. SysletError where the program cannot be loaded."""

    def __init__(
        self, of: Session, numbers: Mapping[str, int], engine: EmbeddedEngine | None = None
    ) -> None:
        """`numbers` are those of the engine's system calls, as far as they are known.

        `engine` is a reference that has them already, in place of a new one.
        """
        self.took: list[Took] = []
        self.note = ""
        self._steps = replayable(of)
        self._until = time.monotonic() + LIMIT_S
        self._events = self._kept = 0
        self._started: list[Call] = []
        self._calls: list[Call] = []
        self._engine = engine or EmbeddedEngine(of.abi, trace=self._on_event, numbers=numbers)
        self.session = Session(self._engine, of.program)

    def run(self) -> None:
        """Perform the steps. `note` says where the time was over before they were."""
        for step in self._steps:
            took = Took(step)
            self.took.append(took)
            try:
                took.gave = self._perform(step)
                self._settle()
            except SysletError as error:
                took.error = str(error)
            except _Over:
                took.error = "no end"
                at = f"step {len(self.took)} of {len(self._steps)}"
                self.note = f"the reference had {LIMIT_S:g} s, which were over in {at}"
                return

    def close(self) -> None:
        """End the engine, and with it every call."""
        self._engine.close()
        for call in self._calls:
            call.returns_within(LIMIT_S)

    # -- one step ----------------------------------------------------------------------

    def _perform(self, step: Step) -> object:
        match step:
            case Exec(started=False) | Wait(started=False):
                return self._result(self._start(replace(step, started=True)))
            case Exec() | Wait():
                self._started.append(self._start(step))
                return self._started[-1]
            case Join():
                joined, self._started = self._started, []
                return self._joined(joined)
            case _:
                return self.session.perform(step)

    def _start(self, step: Step) -> Call:
        call = self.session.perform(step)
        assert isinstance(call, Call)
        self._calls.append(call)
        return call

    def _result(self, call: Call) -> object:
        """Its return word, or BLOCKED."""
        while not call.returns_within(LOOK_S):
            if self._all_wait():
                return BLOCKED
            self._check_time()
        if call.errors:
            raise call.errors[0]
        return call.words[0]

    def _joined(self, calls: Sequence[Call]) -> object:
        words: list[object] = [self._result(call) for call in calls]
        return BLOCKED if BLOCKED in words else words

    def _settle(self) -> None:
        """Until whatever was let go has returned, or waits again: so the next step finds it so."""
        while not self._all_wait():
            self._check_time()
            self._calls[0].returns_within(LOOK_S)

    def _all_wait(self) -> bool:
        self._calls = [call for call in self._calls if not call.returned]
        return not self._calls or self._engine.waiting_calls() == len(self._calls)

    # -- limits ------------------------------------------------------------------------

    def _check_time(self) -> None:
        if time.monotonic() > self._until:
            raise _Over

    def _on_event(self, event: Event) -> None:
        self._events += 1
        if self._events % 256 == 0:
            self._check_time()
        if not self.took:
            return
        took = self.took[-1]
        if len(took.events) < EVENTS_A_TURN and self._kept < MOST_EVENTS:
            self._kept += 1
            took.events.append(event)
        else:
            took.cut = True
