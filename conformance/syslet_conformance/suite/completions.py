"""A ring on paper, and the steps that a machine draws against an engine.

The model is written from the rows ring.* and wait.*; it shares no line with an engine. Every
step is forced: a syslet blocks on a pipe of its own until it is fed, and what a step must bring
about is looked for before the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from syslet_conformance.builder import Build
from syslet_conformance.calls import Hang
from syslet_conformance.performed import program_text
from syslet_conformance.program import Address
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.losses import GUARD, guarded_build
from syslet_layouts import Flag

T = TypeVar("T")

SYSLETS = 6
ENTRIES = [f"&{kind}{n}" for kind in ("end", "async") for n in range(SYSLETS)]
"""What the entry of each is: of those that block, then of those that are ASYNC."""

NUMBERS = st.integers(0, SYSLETS - 1)


@dataclass(slots=True)
class Model:
    """What must be so: slots by index into `ENTRIES`, indices, who is blocked."""

    slots: list[int | None]
    kernel: int = 0
    user: int = 0
    blocked: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=lambda: [0] * SYSLETS)
    cached: int = 0

    @property
    def is_full(self) -> bool:
        """Whether the next event finds its slot taken."""
        return self.slots[self.kernel] is not None

    def post(self, number: int) -> None:
        """An event, into the slot at the kernel's index, which moves on."""
        self.slots[self.kernel] = number
        self.kernel = (self.kernel + 1) % len(self.slots)

    def take(self) -> int | None:
        """What lies at the user's index, which moves on; None where there is nothing."""
        number = self.slots[self.user]
        if number is not None:
            self.slots[self.user] = None
            self.user = (self.user + 1) % len(self.slots)
        return number

    def room(self) -> int:
        """How many events fit: the run of free slots from the kernel's index on."""
        places = [(self.kernel + i) % len(self.slots) for i in range(len(self.slots))]
        taken = [i for i, place in enumerate(places) if self.slots[place] is not None]
        return taken[0] if taken else len(self.slots)

    def events(self) -> int:
        """The run of taken slots from the user's index on."""
        count = 0
        for index in range(self.user, self.user + len(self.slots)):
            if self.slots[index % len(self.slots)] is None:
                break
            count += 1
        return count


def machine_build(slots: int) -> Build:
    """For each of `SYSLETS` a counter, and three syslets that add 1 to it.

    ``start``: after the read of a pipe of its own, ending at ``end``; ``async`` at once;
    ``silent`` with NO_COMPLETE. Beside them a cached one, ``probe``.
    """
    build = guarded_build(slots)
    for number in range(SYSLETS):
        pipe = build.pipe(f"pipe{number}")
        ended = build.word(label=f"ended{number}")
        build.read(pipe, label=f"start{number}", next=Address(f"end{number}"))
        build.add(ended, label=f"end{number}")
        build.add(ended, flags=Flag.ASYNC, label=f"async{number}")
        build.add(ended, flags=Flag.ASYNC | Flag.NO_COMPLETE, label=f"silent{number}")
    build.add(build.word(label="cached"), label="probe")
    return build


class Completions(RuleBasedStateMachine):
    """Exec, feed, wait and consume in any order; `rig` and `slots` are set by the test."""

    rig: Rig
    slots: int
    hung: list[Hang]
    delivers_late = False
    """An engine that delivers late what did not fit: its ring is not filled up here."""

    def __init__(self) -> None:
        super().__init__()
        if self.hung:
            raise self.hung[0]
        self.rig.close()
        self.session: Session = self.rig.load(machine_build(self.slots))
        self.model = Model([None] * self.slots)

    # -- steps -------------------------------------------------------------------------

    @rule(number=NUMBERS)
    def exec_that_blocks(self, number: int) -> None:
        """A syslet goes asynchronous."""
        if number not in self.model.blocked:
            self._goes_async(f"start{number}")
            self.model.blocked.append(number)

    @rule()
    def exec_cached(self) -> None:
        """A syslet that cannot block runs in the caller."""
        word = self._unless_hung(partial(self.session.exec, "probe"))
        ok = word and not self.rig.is_error(word)
        assert ok, self._wrong("exec of umem_add", "an address", f"{self.rig.errno(word)}")
        self.model.cached += 1

    @precondition(lambda self: not self.model.is_full)
    @rule(number=NUMBERS)
    def exec_async(self, number: int) -> None:
        """A syslet that goes asynchronous by its flag, and ends."""
        slot = self.model.kernel
        self._goes_async(f"async{number}")
        self.model.ended[number] += 1
        self.model.post(SYSLETS + number)
        self._until(partial(self._has_posted, slot), f"the entry of async{number}")

    @rule(number=NUMBERS)
    def exec_silent(self, number: int) -> None:
        """A NO_COMPLETE syslet: it takes no slot, whether one is free or not."""
        self._goes_async(f"silent{number}")
        self.model.ended[number] += 1
        self._until(partial(self._has_ended, number), f"the end of silent{number}")

    @precondition(lambda self: len(self.model.blocked) > 1 and self.model.room() > 1)
    @rule()
    def feed_all_that_fit(self) -> None:
        """Several end at once: their entries fill consecutive slots in an order of their own."""
        start, numbers = self.model.kernel, self.model.blocked[: self.model.room()]
        for number in numbers:
            self._end(number)
        self.model.kernel = (start + len(numbers)) % self.slots
        places = [(start + i) % self.slots for i in range(len(numbers))]
        for place in places:
            self._until(partial(self._has_posted, place), f"the entries of {numbers}")
        slots = self.session.slots()
        got = [self.session.name(slots[place]) for place in places]
        expected = [f"&end{number}" for number in numbers]
        assert sorted(got) == sorted(expected), self._wrong("slots", str(expected), str(got))
        for place, name in zip(places, got, strict=True):
            self.model.slots[place] = numbers[expected.index(name)]

    @precondition(lambda self: self.model.blocked and not self.model.is_full)
    @rule(data=st.data())
    def feed(self, data: st.DataObject) -> None:
        """One of those that are blocked ends, and its entry comes."""
        number = data.draw(st.sampled_from(self.model.blocked))
        slot = self.model.kernel
        self._end(number)
        self.model.post(number)
        self._until(partial(self._has_posted, slot), f"the entry of syslet {number}")

    @precondition(lambda self: self.model.blocked and self.model.is_full and not self.delivers_late)
    @rule(data=st.data(), by_exec=st.booleans())
    def feed_into_a_full_ring(self, data: st.DataObject, by_exec: bool) -> None:
        """One ends and finds its slot taken: the next exec or wait says so, once."""
        number = data.draw(st.sampled_from(self.model.blocked))
        self._end(number)
        self._until(partial(self._is_reported, by_exec), f"the loss of syslet {number} reported")

    @rule(count=st.integers(0, 3))
    def wait_for_what_is_there(self, count: int) -> None:
        """A wait for no more events than there are returns at once."""
        self._succeeds(min(count, self.model.events()))

    @precondition(lambda self: not self.model.blocked)
    @rule()
    def wait_with_nothing_pending(self) -> None:
        """A wait for more than can come returns."""
        self._succeeds(self.slots + 1)

    @rule(count=st.integers(1, 3))
    def consume(self, count: int) -> None:
        """The program reads entries."""
        wanted = [number for _ in range(count) if (number := self.model.take()) is not None]
        got = [self.session.name(entry) for entry in self.session.consume(count)]
        expected = [ENTRIES[number] for number in wanted]
        assert got == expected, self._wrong("consume", str(expected), str(got))

    # -- what holds after each ---------------------------------------------------------

    @invariant()
    def the_ring_is_as_on_paper(self) -> None:
        """Slots, indices, guard words and effects."""
        model, session = self.model, self.session
        expected: dict[str, object] = {
            "slots": ["NULL" if n is None else ENTRIES[n] for n in model.slots],
            "kernel_ring_idx": model.kernel,
            "user_ring_idx": model.user,
            "guards": [GUARD, GUARD],
            "effects": [*model.ended, model.cached],
        }
        counters = [f"ended{number}" for number in range(SYSLETS)]
        below, above, *effects = session.values("below", "above", *counters, "cached")
        got: dict[str, object] = {
            "slots": [session.name(slot) for slot in session.slots()],
            "kernel_ring_idx": session.index("kernel_ring_idx"),
            "user_ring_idx": session.index("user_ring_idx"),
            "guards": [below, above],
            "effects": effects,
        }
        assert got == expected, self._wrong("state", str(expected), str(got))

    def teardown(self) -> None:
        """Let go what is blocked, with room for each."""
        for number in list(self.model.blocked):
            self.session.consume()
            self._end(number)
            self._unless_hung(partial(self.session.wait, 1))
        self._unless_hung(partial(self.session.wait, self.slots + 1))

    # -- hangs: one is enough, Hypothesis does not try for a shorter way to it ----------

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        self._unless_hung(partial(self.rig.until, holds, what))

    def _unless_hung(self, call: Callable[[], T]) -> T:
        if self.hung:
            raise self.hung[0]
        try:
            return call()
        except Hang as hang:
            self.hung.append(hang)
            raise

    # -- parts -------------------------------------------------------------------------

    def _end(self, number: int) -> None:
        self.session.feed(f"pipe{number}", b"x")
        self.model.blocked.remove(number)
        self.model.ended[number] += 1

    def _goes_async(self, label: str) -> None:
        word = self._unless_hung(partial(self.session.exec, label))
        assert word == 0, self._wrong(f"exec of {label}", "NULL", f"{word:#x}")

    def _has_ended(self, number: int) -> bool:
        return self.session.word(f"ended{number}") == self.model.ended[number]

    def _succeeds(self, count: int) -> None:
        word = self._unless_hung(partial(self.session.wait, count))
        assert not self.rig.is_error(word), self._wrong(
            f"wait for {count}", "success", f"{self.rig.errno(word)}"
        )

    def _has_posted(self, slot: int) -> bool:
        """The slot and the index, in whichever order the engine stores them."""
        index = self.session.index("kernel_ring_idx")
        return self.session.slots()[slot] != 0 and index == self.model.kernel

    def _is_reported(self, by_exec: bool) -> bool:
        if not by_exec:
            return self.rig.is_error(self._unless_hung(partial(self.session.wait, 0)))
        reported = self.rig.is_error(self._unless_hung(partial(self.session.exec, "probe")))
        self.model.cached += not reported
        return reported

    def _wrong(self, what: str, expected: str, got: str) -> str:
        text = program_text(self.session)
        return f"{what}: expected {expected}, got {got}, after\n{text}"
