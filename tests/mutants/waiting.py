"""Engines that break one rule of the area waiting (wait.*)."""

from __future__ import annotations

from collections.abc import Sequence
from errno import EAGAIN, EINTR, EINVAL

from mutants.engine import HangingMutant, Mutant
from syslet_layouts import Abi, AsyncHeadUser, Flag
from syslet_reference import ring
from syslet_reference.syslet import HeadState, Syslet

_MANY = 1 << 30


class _Waiting(HangingMutant):
    """The reference's wait, in parts that can be broken one by one."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        has_blocked = False
        while True:
            if self._closed:
                return -EINTR
            error = self._take_error(head)
            if error:
                return -error
            fields, error = self._descriptor(head)
            if fields is None:
                return -error
            slots = self._slots(fields)
            if user_ring_idx >= len(slots):
                return -EINVAL
            if self.holds(min_events, self.events(slots, user_ring_idx, fields), head, has_blocked):
                return self.answer(ring.events(slots, user_ring_idx), has_blocked)
            if self._runnable:
                self._settle(caller_may_go_on=False)
            else:
                has_blocked = True
                self._changed.wait()

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:  # noqa: ARG002
        """Whether wait may return."""
        return events >= wanted or head not in self._heads

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:  # noqa: ARG002
        """How many events can be read."""
        return ring.events(slots, user_ring_idx)

    def answer(self, events: int, has_blocked: bool) -> int:  # noqa: ARG002
        """The return word."""
        return 0


# -- wait.returns-when-enough -----------------------------------------------------------


class WaitsForOneMore(_Waiting):
    """Wait returns with one event more than it was asked for."""

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        return super().holds(wanted + (wanted > 0), events, head, has_blocked)


class BlockedWaitsForTheLast(_Waiting):
    """A wait that has had to block returns when nothing is pending, and not before."""

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        return super().holds(_MANY if has_blocked else wanted, events, head, has_blocked)


class OneOfTwoWaits(HangingMutant):
    """While a wait is blocked, another one sees nothing before the last pending syslet."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.waits = 0

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        self.waits += 1
        try:
            return super()._wait(_MANY if self.waits > 1 else min_events, user_ring_idx, head)
        finally:
            self.waits -= 1


class WaitsForOtherWaits(HangingMutant):
    """While a wait is blocked on one head, one on another waits for its turn."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.waits: list[int] = []

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        while any(other != head for other in self.waits):
            self._changed.wait()
        self.waits.append(head)
        try:
            return super()._wait(min_events, user_ring_idx, head)
        finally:
            self.waits.remove(head)
            self._changed.notify_all()


class WaitsForThoseOfItsStart(_Waiting):
    """A wait that blocks counts the events of syslets that were pending as it began."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.later = 0

    def _exec(self, atom: int, head: int) -> int:
        waited_for = self.waiting_calls() > 0
        word = super()._exec(atom, head)
        self.later += waited_for and word == 0
        return word

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        self.later = 0
        return super()._wait(min_events, user_ring_idx, head)

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        return super().holds(wanted, events - (self.later if has_blocked else 0), head, has_blocked)


# -- wait.not-earlier -------------------------------------------------------------------


class LeavesWithThoseOfItsStart(_Waiting):
    """A wait returns when those that were pending as it began have ended."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.blocked: set[int] = set()
        self.at_start: set[int] = set()

    def _park(self, syslet: Syslet) -> None:
        self.blocked.add(syslet.number)
        super()._park(syslet)

    def _end(self, syslet: Syslet) -> None:
        super()._end(syslet)
        self.blocked.discard(syslet.number)

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        self.at_start = set(self.blocked)
        return super()._wait(min_events, user_ring_idx, head)

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        gone = has_blocked and not self.at_start & self.blocked
        return gone or super().holds(wanted, events, head, has_blocked)


class ReturnsEarly(Mutant):
    """Wait does not wait."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:  # noqa: ARG002
        return super()._wait(0, user_ring_idx, head)


class ReturnsOneEarly(_Waiting):
    """Where more than one event is wanted, one fewer will do."""

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        return super().holds(wanted - (wanted > 1), events, head, has_blocked)


class ReturnsWithAnyEvent(_Waiting):
    """A wait that has had to block returns with the first event that comes."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.ended = 0
        self.ended_before: int | None = None

    def _end(self, syslet: Syslet) -> None:
        super()._end(syslet)
        self.ended += not syslet.fields[0] & Flag.NO_COMPLETE

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        self.ended_before = self.ended
        return super()._wait(min_events, user_ring_idx, head)

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        came = has_blocked and self.ended != self.ended_before
        return came or super().holds(wanted, events, head, has_blocked)


# -- wait.returns-when-none-pending -----------------------------------------------------


class WaitsForEver(_Waiting):
    """Wait returns with enough events, whatever is pending."""

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:  # noqa: ARG002
        return events >= wanted


class WaitsForOtherHeads(_Waiting):
    """What is pending on any head counts as pending."""

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:  # noqa: ARG002
        return events >= wanted or not self._heads


class TooFewIsAnError(_Waiting):
    """A wait that has blocked, and ends with too few events, gives -EAGAIN."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        self.too_few = False
        return super()._wait(min_events, user_ring_idx, head)

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        self.too_few = events < wanted
        return super().holds(wanted, events, head, has_blocked)

    def answer(self, events: int, has_blocked: bool) -> int:  # noqa: ARG002
        return -EAGAIN if has_blocked and self.too_few else 0


# -- wait.at-once -----------------------------------------------------------------------


class NoEventIsOneEvent(_Waiting):
    """Wait for no event waits for one."""

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        return super().holds(max(wanted, 1), events, head, has_blocked)


class NothingToWaitForIsAnError(_Waiting):
    """A wait with nothing pending, and too few events there, gives -EAGAIN."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        if min_events and head not in self._heads:
            fields, _ = self._descriptor(head)
            if fields and ring.events(self._slots(fields), user_ring_idx) < min_events:
                return -EAGAIN
        return super()._wait(min_events, user_ring_idx, head)


class CachedIsPending(_Waiting):
    """A cached syslet is pending for ever."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if word == atom:
            self._heads.setdefault(head, HeadState()).pending += 1
        return word


# -- wait.counts-from-user-index --------------------------------------------------------


class CountsFromZero(_Waiting):
    """The events are counted from slot 0 on."""

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:  # noqa: ARG002
        return ring.events(slots, 0)


class CountsEverySlot(_Waiting):
    """Every slot that is not NULL counts, wherever it is."""

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:  # noqa: ARG002
        return sum(slot != 0 for slot in slots)


class CountsFromTheDescriptor(_Waiting):
    """The index in the descriptor counts, not that which is passed."""

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:  # noqa: ARG002
        return ring.events(slots, fields.user_ring_idx)


class CountsToTheEnd(_Waiting):
    """The run of events ends at the last slot."""

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:  # noqa: ARG002
        taken = ring.events(slots, user_ring_idx)
        return min(taken, len(slots) - user_ring_idx)


class CountsWhatItPosted(_Waiting):
    """Everything that was ever posted counts, consumed or not."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.posted: dict[int, int] = {}

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        self.posted[syslet.head] = self.posted.get(syslet.head, 0) + 1
        return super()._post(syslet)

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:  # noqa: ARG002
        return super().holds(wanted, self.posted.get(head, 0), head, has_blocked)


class CountsByTheIndices(_Waiting):
    """The events are those between the two indices, NULL or not."""

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:
        distance = (fields.kernel_ring_idx - user_ring_idx) % len(slots)
        return distance or (len(slots) if slots[user_ring_idx] else 0)


# -- wait.full-ring ---------------------------------------------------------------------


class FullRingIsEmpty(_Waiting):
    """Wait counts nothing where both indices are equal."""

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:
        is_empty = fields.kernel_ring_idx == user_ring_idx
        return 0 if is_empty else ring.events(slots, user_ring_idx)


class FullRingLacksOne(_Waiting):
    """One slot fewer than there are is the most that counts."""

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:  # noqa: ARG002
        return min(ring.events(slots, user_ring_idx), max(len(slots) - 1, 1))


class PostsInWait(_Waiting):
    """What has ended comes into the ring with the next wait."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.unposted: list[Syslet] = []

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        self.unposted.append(syslet)
        return 0, 0

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        for syslet in self.unposted:
            super()._post(syslet)
        self.unposted.clear()
        return super()._wait(min_events, user_ring_idx, head)


# -- wait.consumes-nothing --------------------------------------------------------------


class ClearsWhatItCounted(Mutant):
    """Wait sets the slots to NULL of the events that it was asked for."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        word = super()._wait(min_events, user_ring_idx, head)
        fields, _ = self._descriptor(head)
        if fields is not None and not word:
            slots = fields.ring_size_bytes // self.abi.word_bytes
            for count in range(min(min_events, slots)):
                index = (user_ring_idx + count) % slots
                slot = ring.slot_address(fields, index, self.abi.word_bytes)
                self.memory.set_word(slot, 0)
        return word


class StoresTheUserIndex(_Waiting):
    """Wait stores in the descriptor how far the events go that it was asked for."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        word = super()._wait(min_events, user_ring_idx, head)
        fields, _ = self._descriptor(head)
        if fields is not None and not word:
            slots = self._slots(fields)
            count = min(min_events, ring.events(slots, user_ring_idx))
            index = (user_ring_idx + count) % len(slots)
            self.memory.set_word(head + self.abi.head_offsets["user_ring_idx"], index)
        return word


class BlockedWaitTakesItsEvent(_Waiting):
    """What ended a wait that had to block does not count for the next one."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.taken = 0

    def events(self, slots: Sequence[int], user_ring_idx: int, fields: AsyncHeadUser) -> int:
        return max(super().events(slots, user_ring_idx, fields) - self.taken, 0)

    def answer(self, events: int, has_blocked: bool) -> int:
        self.taken = events if has_blocked else 0
        return 0


# -- wait.no-complete-is-pending --------------------------------------------------------


class _Silent(_Waiting):
    """It knows which of what is pending is NO_COMPLETE."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.silent: dict[int, int] = {}
        self.silent_ended = 0

    def _park(self, syslet: Syslet) -> None:
        if syslet.fields[0] & Flag.NO_COMPLETE:
            self.silent[syslet.head] = self.silent.get(syslet.head, 0) + 1
        super()._park(syslet)

    def _end(self, syslet: Syslet) -> None:
        if syslet.fields and syslet.fields[0] & Flag.NO_COMPLETE and self.silent.get(syslet.head):
            self.silent[syslet.head] -= 1
            self.silent_ended += 1
        super()._end(syslet)


class SilentIsNotPending(_Silent):
    """A NO_COMPLETE syslet that blocks is not pending."""

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        state = self._heads.get(head)
        only_silent = state is not None and state.pending == self.silent.get(head, 0)
        return only_silent or super().holds(wanted, events, head, has_blocked)


class SilentIsAnEvent(_Silent):
    """The end of a NO_COMPLETE syslet counts as an event."""

    def holds(self, wanted: int, events: int, head: int, has_blocked: bool) -> bool:
        return super().holds(wanted, events + self.silent_ended, head, has_blocked)


# -- wait.zero-on-success ---------------------------------------------------------------


class ReturnsTheCount(_Waiting):
    """Wait gives how many events can be read."""

    def answer(self, events: int, has_blocked: bool) -> int:  # noqa: ARG002
        return events


class ReturnsOneAfterBlocking(_Waiting):
    """Wait gives 1 where it has blocked."""

    def answer(self, events: int, has_blocked: bool) -> int:  # noqa: ARG002
        return int(has_blocked)


# -- wait.more-than-ring ----------------------------------------------------------------


class MoreThanTheRingIsTheRing(_Waiting):
    """Wait for more than the ring holds waits for as many as it holds."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        fields, _ = self._descriptor(head)
        slots = len(self._slots(fields)) if fields else min_events
        return super()._wait(min(min_events, slots), user_ring_idx, head)


class MoreThanTheRingIsAnError(_Waiting):
    """Wait for more than the ring holds gives -EINVAL."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        fields, _ = self._descriptor(head)
        if fields and min_events > len(self._slots(fields)):
            return -EINVAL
        return super()._wait(min_events, user_ring_idx, head)


class MuchMoreThanTheRingIsNegative(_Waiting):
    """Of the number of events, the low 16 bits count as a signed number."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        low = min_events & 0xFFFF
        wanted = low - 0x10000 if low > 0x7FFF or min_events > 0xFFFF else low
        return super()._wait(wanted, user_ring_idx, head)


class HalfOfTheCount(_Waiting):
    """Of the number of events, the low half of the word counts."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        half = (1 << 4 * self.abi.word_bytes) - 1
        return super()._wait(min_events & half, user_ring_idx, head)


CAUGHT_SHOULD: dict[str, tuple[str, ...]] = {
    "ReturnsTheCount": ("wait.zero-on-success",),
    "ReturnsOneAfterBlocking": ("wait.zero-on-success",),
}
"""A SHOULD that is missed is reported, and does not fail the engine."""

CAUGHT: dict[str, tuple[str, ...]] = {
    "WaitsForOneMore": ("wait.returns-when-enough",),
    "WaitsForOtherWaits": ("wait.returns-when-enough", "wait.at-once"),
    "WaitsForThoseOfItsStart": ("wait.returns-when-enough",),
    "BlockedWaitsForTheLast": ("wait.returns-when-enough",),
    "OneOfTwoWaits": ("wait.returns-when-enough",),
    "LeavesWithThoseOfItsStart": ("wait.not-earlier",),
    "ReturnsEarly": ("wait.not-earlier", "wait.no-complete-is-pending"),
    "ReturnsOneEarly": ("wait.not-earlier",),
    "ReturnsWithAnyEvent": ("wait.not-earlier",),
    "WaitsForEver": ("wait.returns-when-none-pending", "wait.at-once"),
    "WaitsForOtherHeads": ("wait.returns-when-none-pending",),
    "TooFewIsAnError": ("wait.returns-when-none-pending",),
    "NoEventIsOneEvent": ("wait.at-once",),
    "NothingToWaitForIsAnError": ("wait.at-once",),
    "CachedIsPending": ("wait.at-once",),
    "CountsFromZero": ("wait.counts-from-user-index",),
    "CountsEverySlot": ("wait.counts-from-user-index",),
    "CountsFromTheDescriptor": ("wait.counts-from-user-index",),
    "CountsToTheEnd": ("wait.counts-from-user-index", "wait.full-ring"),
    "CountsWhatItPosted": ("wait.counts-from-user-index",),
    "CountsByTheIndices": ("wait.counts-from-user-index",),
    "FullRingIsEmpty": ("wait.full-ring",),
    "FullRingLacksOne": ("wait.full-ring",),
    "PostsInWait": ("wait.full-ring",),
    "ClearsWhatItCounted": ("wait.consumes-nothing",),
    "StoresTheUserIndex": ("wait.consumes-nothing",),
    "BlockedWaitTakesItsEvent": ("wait.consumes-nothing",),
    "SilentIsNotPending": ("wait.no-complete-is-pending",),
    "SilentIsAnEvent": ("wait.no-complete-is-pending",),
    "MoreThanTheRingIsTheRing": ("wait.more-than-ring",),
    "MoreThanTheRingIsAnError": ("wait.more-than-ring",),
    "MuchMoreThanTheRingIsNegative": ("wait.more-than-ring",),
    "HalfOfTheCount": ("wait.more-than-ring",),
    **CAUGHT_SHOULD,
}
"""Each engine, and the requirements whose tests must catch it."""
