"""Engines that break one rule of the area ring (ring.*)."""

from __future__ import annotations

from errno import EFAULT, EINVAL
from typing import Any

from mutants.engine import HangingMutant
from syslet_layouts import Abi, AsyncHeadUser, Flag
from syslet_reference import ring
from syslet_reference.syslet import HeadState, Syslet


class _Ring(HangingMutant):
    """The reference's completion, in parts that can be broken one by one."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.posted = 0

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        head, error = self._descriptor(syslet.head)
        if head is None:
            return 0, error
        index = self.index(head)
        slot = ring.slot_address(head, index, self.abi.word_bytes)
        if self.is_taken(slot):
            return 0, EFAULT
        self.memory.set_word(slot, self.entry(syslet))
        slots = head.ring_size_bytes // self.abi.word_bytes
        self.store_index(syslet.head, self.following(index, slots))
        self.posted += 1
        return index, 0

    def index(self, head: AsyncHeadUser) -> int:
        """The slot to be filled."""
        return head.kernel_ring_idx

    def is_taken(self, slot: int) -> bool:
        """Whether the slot holds an entry."""
        return self.memory.word(slot) != 0

    def entry(self, syslet: Syslet) -> int:
        """What is put there."""
        return syslet.last

    def following(self, index: int, slots: int) -> int:
        """The slot after it."""
        return ring.next_index(index, slots)

    def store_index(self, head: int, index: int) -> None:
        """The descriptor's kernel_ring_idx."""
        self.memory.set_word(head + self.abi.head_offsets["kernel_ring_idx"], index)


class StartsAtTheLastSlot(_Ring):
    """The first event goes to the last slot."""

    def index(self, head: AsyncHeadUser) -> int:
        slots = head.ring_size_bytes // self.abi.word_bytes
        return (head.kernel_ring_idx - 1) % slots


class WrapsAtAPowerOfTwo(_Ring):
    """The index wraps as if the slots were a power of two."""

    def following(self, index: int, slots: int) -> int:
        return (index + 1) % (1 << slots.bit_length() - 1)


class WrapsASlotLate(_Ring):
    """After the last slot it goes on behind the ring."""

    def following(self, index: int, slots: int) -> int:
        return 0 if index >= slots else index + 1


class PostsTheSubmittedAtom(_Ring):
    """The entry is the first atom."""

    def _exec(self, atom: int, head: int) -> int:
        self.submitted = atom
        return super()._exec(atom, head)

    def entry(self, syslet: Syslet) -> int:  # noqa: ARG002
        return self.submitted


class PostsTheNextOfTheLastAtom(_Ring):
    """The entry is where the chain would have gone on, if anywhere."""

    def entry(self, syslet: Syslet) -> int:
        return syslet.fields[3] or syslet.last


class QueuesWhatIsCached(_Ring):
    """A cached syslet leaves an entry too."""

    def _exec(self, atom: int, head: int) -> int:
        returned = super()._exec(atom, head)
        if returned == atom and atom:
            syslet = Syslet(0, head, atom)
            syslet.last = atom
            self._post(syslet)
        return returned


class QueuesSyncCallsThatBlocked(_Ring):
    """A SYNC call that blocked leaves an entry."""

    def _block_caller(self, syslet: Syslet) -> bool:
        done = super()._block_caller(syslet)
        syslet.last = syslet.atom
        self._post(syslet)
        return done


class PostsTwice(_Ring):
    """Each event comes twice."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        super()._post(syslet)
        return super()._post(syslet)


class LosesEveryNinth(_Ring):
    """One event of nine is forgotten."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        if self.posted % 9 == 8:
            self.posted += 1
            return 0, 0
        return super()._post(syslet)


class Overwrites(_Ring):
    """A slot that is taken is overwritten."""

    def is_taken(self, slot: int) -> bool:  # noqa: ARG002
        return False


class OverwritesWhatIsNoAtom(_Ring):
    """A slot counts as taken only where an atom's address may be in it."""

    def is_taken(self, slot: int) -> bool:
        return self.memory.word(slot) > 0xFFF


class SilentAboutLosses(_Ring):
    """An event that does not fit is dropped without a word."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        return super()._post(syslet)[0], 0


class ReportsALossTwice(_Ring):
    """Each loss is reported by two calls."""

    def _end(self, syslet: Syslet) -> None:
        state = self._heads[syslet.head]
        before = len(state.errors)
        state.pending += 1
        super()._end(syslet)
        state.errors += state.errors[before:]
        state.pending -= 1
        self._forget(syslet.head)


class ReportsSeveralLossesAsOne(_Ring):
    """Losses are one flag, not a count."""

    def _take_error(self, head: int) -> int:
        state = self._heads.get(head)
        if state is not None:
            del state.errors[1:]
        return super()._take_error(head)


class ReportsByWaitAlone(_Ring):
    """An exec takes no notice of losses."""

    def _exec(self, atom: int, head: int) -> int:
        state = self._heads.get(head)
        errors, kept = (state.errors, list(state.errors)) if state else ([], [])
        errors.clear()
        returned = super()._exec(atom, head)
        if kept:
            self._heads.setdefault(head, state or HeadState()).errors[:0] = kept
        return returned


class ReportsAndRuns(_Ring):
    """An exec that reports a loss has run its syslet nonetheless."""

    def _exec(self, atom: int, head: int) -> int:
        state = self._heads.get(head)
        if state is None or not state.errors:
            return super()._exec(atom, head)
        error = state.errors.pop(0)
        super()._exec(atom, head)
        self._forget_if_known(head)
        return -error

    def _forget_if_known(self, head: int) -> None:
        if head in self._heads:
            self._forget(head)


class ReportsOnWhateverHead(_Ring):
    """A loss is reported to the next call, whichever head it names."""

    def _take_error(self, head: int) -> int:
        for other in list(self._heads):
            if other != head and self._heads[other].errors:
                return super()._take_error(other)
        return super()._take_error(head)


class StopsPostingAfterALoss(_Ring):
    """Once an event was lost, its head gets no more."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.broken: set[int] = set()

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        if syslet.head in self.broken:
            return 0, 0
        index, error = super()._post(syslet)
        if error:
            self.broken.add(syslet.head)
        return index, error


class MovesTheIndexAtALoss(_Ring):
    """The index goes on though nothing was put there."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        head, _ = self._descriptor(syslet.head)
        index, error = super()._post(syslet)
        if error and head is not None:
            slots = head.ring_size_bytes // self.abi.word_bytes
            self.store_index(syslet.head, self.following(head.kernel_ring_idx, slots))
        return index, error


class ClearsTheSlotAhead(_Ring):
    """It makes room: the slot after the one it fills is set to NULL."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        index, error = super()._post(syslet)
        head, _ = self._descriptor(syslet.head)
        if head is not None and not error:
            slot = ring.slot_address(head, head.kernel_ring_idx, self.abi.word_bytes)
            if head.kernel_ring_idx != index:
                self.memory.set_word(slot, 0)
        return index, error


class StoresTheUserIndex(_Ring):
    """It sets user_ring_idx to its own idea of what was read."""

    def store_index(self, head: int, index: int) -> None:
        super().store_index(head, index)
        self.memory.set_word(head + self.abi.head_offsets["user_ring_idx"], index)


class StoresAStackPointer(_Ring):
    """It uses head_stack for itself."""

    def store_index(self, head: int, index: int) -> None:
        super().store_index(head, index)
        self.memory.set_word(head + self.abi.head_offsets["head_stack"], index + 1)


class WritesBehindTheRing(_Ring):
    """With the last slot it fills the word behind it."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        index, error = super()._post(syslet)
        head, _ = self._descriptor(syslet.head)
        if head is not None and not error and not head.kernel_ring_idx:
            self.memory.set_word(head.completion_ring + head.ring_size_bytes, syslet.last)
        return index, error


class PostsInSpiteOfNoComplete(_Ring):
    """NO_COMPLETE is not seen."""

    def _end(self, syslet: Syslet) -> None:
        syslet.fields = (syslet.fields[0] & ~int(Flag.NO_COMPLETE), *syslet.fields[1:])
        super()._end(syslet)


class NoCompleteOfTheSubmittedAtom(_Ring):
    """NO_COMPLETE counts where the first atom has it, and there alone."""

    def _end(self, syslet: Syslet) -> None:
        first = self.first.get(syslet.number, 0)
        flags = syslet.fields[0] & ~int(Flag.NO_COMPLETE) | first & int(Flag.NO_COMPLETE)
        syslet.fields = (flags, *syslet.fields[1:])
        super()._end(syslet)

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.first: dict[int, int] = {}

    def _exec(self, atom: int, head: int) -> int:
        self.first[self._execs + 1] = self.memory.word(atom)
        return super()._exec(atom, head)


class PostsBeforeTheLastResult(_Ring):
    """The entry comes a call of the contract before the word at the last ret_ptr."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.owed: list[tuple[int, int, int]] = []
        self.looks = 0

    def _end(self, syslet: Syslet) -> None:
        ret_ptr = syslet.fields[2]
        if ret_ptr:
            self.owed.append((self.looks, ret_ptr, self.memory.word(ret_ptr)))
            self.memory.set_word(ret_ptr, 0)
        super()._end(syslet)

    def read(self, address: int, count: int) -> bytes:
        self.looks += 1
        for owed in [each for each in self.owed if self.looks > each[0] + 3]:
            self.owed.remove(owed)
            self.memory.set_word(*owed[1:])
        return super().read(address, count)


class ForgetsTheIndex(_Ring):
    """It keeps its index to itself: the descriptor's stays 0."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.own: dict[int, int] = {}

    def index(self, head: AsyncHeadUser) -> int:
        return self.own.get(head.completion_ring, 0) % (head.ring_size_bytes // self.abi.word_bytes)

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        index, error = super()._post(syslet)
        head, _ = self._descriptor(syslet.head)
        if head is not None and not error:
            slots = head.ring_size_bytes // self.abi.word_bytes
            self.own[head.completion_ring] = (index + 1) % slots
        return index, error

    def store_index(self, head: int, index: int) -> None:
        pass


class CountsWithoutWrapping(_Ring):
    """kernel_ring_idx is a count of events, which it takes modulo the slots."""

    def _descriptor(self, head: int) -> tuple[AsyncHeadUser | None, int]:
        at = head + self.abi.head_offsets["kernel_ring_idx"]
        count = self.counts.get(head)
        if count is None or not self.memory.is_mapped(head, self.abi.head_size):
            return super()._descriptor(head)
        size = self.memory.word(head + self.abi.head_offsets["ring_size_bytes"])
        self.memory.set_word(at, count % max(size // self.abi.word_bytes, 1))
        found = super()._descriptor(head)
        self.memory.set_word(at, count)
        return found

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.counts: dict[int, int] = {}

    def store_index(self, head: int, index: int) -> None:
        at = head + self.abi.head_offsets["kernel_ring_idx"]
        count = self.memory.word(at) + 1
        self.counts[head] = count
        self.memory.set_word(at, count)
        del index


class _Alike(dict[int, HeadState]):
    """What is known of heads, by part of their address."""

    def get(self, head: int, default: Any = None) -> Any:
        return super().get(_part(head), default)

    def setdefault(self, head: int, default: Any = None) -> Any:
        return super().setdefault(_part(head), default)

    def __getitem__(self, head: int) -> HeadState:
        return super().__getitem__(_part(head))

    def __delitem__(self, head: int) -> None:
        super().__delitem__(_part(head))


def _part(head: int) -> int:
    return (head >> 5) % 64


class TakesHeadsForEachOther(HangingMutant):
    """Heads whose addresses are alike in part have their pending syslets together."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self._heads = _Alike()


class RefusesLargeRings(HangingMutant):
    """A ring of more than 65,536 slots gives -EINVAL."""

    def _descriptor(self, head: int) -> tuple[AsyncHeadUser | None, int]:
        fields, error = super()._descriptor(head)
        if fields and fields.ring_size_bytes // self.abi.word_bytes > 1 << 16:
            return None, EINVAL
        return fields, error


class IndexOf16Bits(_Ring):
    """Of the index, 16 bits count."""

    def index(self, head: AsyncHeadUser) -> int:
        return head.kernel_ring_idx & 0xFFFF


class OneRingForAll(_Ring):
    """Every event goes to the ring of the exec before."""

    latest = 0

    def _exec(self, atom: int, head: int) -> int:
        self.latest = head
        return super()._exec(atom, head)

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        stray = Syslet(syslet.number, self.latest, syslet.atom)
        stray.last, stray.fields = syslet.last, syslet.fields
        return super()._post(stray)


class _KnowsWhatIsOver(_Ring):
    """It keeps the last atoms of syslets that are over."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.over: list[int] = []

    def _end(self, syslet: Syslet) -> None:
        super()._end(syslet)
        self.over.append(syslet.last)


class MarksTheAtomWhenItIsOver(_KnowsWhatIsOver):
    """A call later it notes in the last atom's private that the syslet is over."""

    def _mark(self) -> None:
        while self.over:
            at = self.over.pop() + self.abi.atom_offsets["private"]
            if self.memory.is_mapped(at, self.abi.word_bytes):
                self.memory.set_word(at, 1)

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        self._mark()
        return super().wait(min_events, user_ring_idx, head)


class ReadsTheAtomWhenItIsOver(_KnowsWhatIsOver):
    """A wait reads the last atom once more, and dies where it is gone."""

    def _exec(self, atom: int, head: int) -> int:
        returned = super()._exec(atom, head)
        if returned == atom:
            self.over.append(atom)
        return returned

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        while self.over:
            self.memory.word(self.over.pop())
        return super().wait(min_events, user_ring_idx, head)


class SharesASlotInParallel(_Ring):
    """Two that end in one call of the contract are put into one slot: one of them is lost."""

    at: tuple[int, int] = (0, -1)

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        now = self.kernel.clock.now_ns
        if self.at == (syslet.head, now):
            self.at = (0, -1)
            return 0, 0
        self.at = (syslet.head, now)
        return super()._post(syslet)


class DeliversLate(_Ring):
    """It is right in all: what did not fit comes when there is room."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.waiting: list[Any] = []

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        index, error = super()._post(syslet)
        if error:
            self.waiting.append((syslet.head, syslet.last))
        return index, error

    def _enter(self) -> None:
        super()._enter()
        for waiting in list(self.waiting):
            syslet = Syslet(0, *waiting)
            syslet.last = waiting[1]
            if not super()._post(syslet)[1]:
                self.waiting.remove(waiting)


CAUGHT = {
    "StartsAtTheLastSlot": ("ring.starts-at-zero",),
    "WrapsAtAPowerOfTwo": ("ring.wraps", "ring.kernel-index"),
    "WrapsASlotLate": ("ring.wraps",),
    "PostsTheSubmittedAtom": ("ring.entry-is-final-atom",),
    "PostsTheNextOfTheLastAtom": ("ring.entry-is-final-atom",),
    "QueuesWhatIsCached": ("ring.cached-not-queued",),
    "QueuesSyncCallsThatBlocked": ("ring.cached-not-queued",),
    "PostsTwice": ("ring.exactly-once",),
    "LosesEveryNinth": ("ring.exactly-once",),
    "Overwrites": ("ring.never-overwrites", "ring.overflow-is-an-error"),
    "OverwritesWhatIsNoAtom": ("ring.never-overwrites",),
    "SilentAboutLosses": ("ring.overflow-is-an-error",),
    "ReportsALossTwice": ("ring.overflow-is-an-error",),
    "ReportsSeveralLossesAsOne": ("ring.overflow-is-an-error",),
    "ReportsByWaitAlone": ("ring.overflow-is-an-error",),
    "ReportsAndRuns": ("ring.overflow-is-an-error",),
    "ReportsOnWhateverHead": ("ring.overflow-is-an-error", "ring.per-exec"),
    "StopsPostingAfterALoss": ("ring.recovers",),
    "MovesTheIndexAtALoss": ("ring.recovers", "ring.kernel-index"),
    "ClearsTheSlotAhead": ("ring.engine-only-fills",),
    "StoresTheUserIndex": ("ring.engine-only-fills",),
    "StoresAStackPointer": ("ring.engine-only-fills",),
    "WritesBehindTheRing": ("ring.engine-only-fills",),
    "PostsInSpiteOfNoComplete": ("ring.no-complete",),
    "NoCompleteOfTheSubmittedAtom": ("ring.no-complete",),
    "PostsBeforeTheLastResult": ("ring.effects-before-entry",),
    "ForgetsTheIndex": ("ring.kernel-index",),
    "CountsWithoutWrapping": ("ring.kernel-index",),
    "TakesHeadsForEachOther": ("ring.per-exec", "wait.at-once"),
    "RefusesLargeRings": ("layout.ring-slots",),
    "IndexOf16Bits": ("ring.wraps", "ring.kernel-index"),
    "OneRingForAll": ("ring.per-exec",),
    "MarksTheAtomWhenItIsOver": ("ring.hands-over",),
    "ReadsTheAtomWhenItIsOver": ("ring.hands-over",),
    "SharesASlotInParallel": ("ring.parallel-completions",),
}
"""Each engine, and the requirements whose tests must catch it."""

RIGHT = ("DeliversLate",)
"""Engines that are unusual and right: every test of the area passes on them."""
