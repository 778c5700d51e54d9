"""Engines that are wrong where memory, descriptors or addresses are."""

from __future__ import annotations

import os
from errno import EFAULT

import syslet_reference.ring as ring
from mutants.engine import Mutant
from mutants.rewritten import rewritten
from syslet_layouts import Abi, AsyncHeadUser
from syslet_reference import ReferenceEngine
from syslet_reference.memory import PAGE_BITS, PageFault
from syslet_reference.syslet import HeadState, Pause, Syslet

_DIES = "if flags > 0xFF: __import__('os').abort()\n" + 16 * " "
_RUN = ReferenceEngine._run
_FAULT = "return self._faulted(syslet, pointer)"
_STORE = "pack_word(data, ret_ptr - base, result & word_mask)"
_LOST = "result = -EFAULT"


# -- atoms ------------------------------------------------------------------------------


class CutOffIsZero(Mutant):
    """What is missing of an atom that is cut off is taken to be 0."""

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        self.memory.read(address, 1)
        fields: list[int] = []
        for place in self.abi.atom_places:
            try:
                data = self.memory.read(address + place.offset, place.size_bytes)
            except PageFault:
                data = b""
            fields.append(int.from_bytes(data, self.abi.byteorder))
        return tuple(fields)


class NullRuns(Mutant):
    """NULL is a syslet without atoms, which has just run."""

    def _exec(self, atom: int, head: int) -> int:
        return super()._exec(atom, head) if atom else 0


class FaultIsQueued(Mutant):
    """A first atom that cannot be read is an error, and also an event."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if word == -EFAULT:
            self._post(Syslet(0, head, atom, last=atom or head))
        return word


class NullIsPending(Mutant):
    """An exec of NULL is refused, and counts as pending."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if not atom and word == -EFAULT:
            self._heads.setdefault(head, HeadState()).pending += 1
        return word


class LaterFaultIsTheEnd(Mutant):
    """An unreadable later atom ends the chain as if it were NULL."""

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        return Pause.ENDED if pause is Pause.FAULTED and syslet.last else pause


class LooksAhead(Mutant):
    """Nothing of a chain is run when a later atom of it cannot be read."""

    def _exec(self, atom: int, head: int) -> int:
        address = atom
        for _ in range(100):
            if not address:
                break
            try:
                address = self._fetch_packed(address)[3]
            except PageFault:
                return -EFAULT
        return super()._exec(atom, head)


# -- arguments and results --------------------------------------------------------------


class UnreadableArgumentIsZero(Mutant):
    """An argument that cannot be read is 0, and the call is made."""

    _run = rewritten(_RUN, (_FAULT, "args.append(0)"))


class LastArgumentIsNotChecked(Mutant):
    """Whether the sixth argument can be read makes no difference."""

    _run = rewritten(_RUN, (_FAULT, f"if len(args) < 5: {_FAULT}"))


class PartOfAWordWillDo(Mutant):
    """Of an argument across the end of memory, the bytes that are there are taken."""

    _run = rewritten(_RUN, (_FAULT, f"if pointer >> PAGE_BITS not in pages: {_FAULT}"))


class RetFaultIsNotSeen(Mutant):
    """The stop flags judge the call's result, stored or not."""

    _run = rewritten(_RUN, (_LOST, "pass"))


class RetFaultIsZero(Mutant):
    """The stop flags see 0 where the result cannot be stored."""

    _run = rewritten(_RUN, (_LOST, "result = 0"))


class RetFaultEnds(Mutant):
    """A result that cannot be stored is a fault, and ends the syslet."""

    _run = rewritten(_RUN, (_LOST, "return self._faulted(syslet, ret_ptr)"))


# -- in the background ------------------------------------------------------------------


class BackgroundFaultStaysPending(Mutant):
    """An argument across the end of memory, met in the background, leaves the syslet pending."""

    def _faulted(self, syslet: Syslet, address: int) -> Pause:
        if syslet.asynchronous and address >> PAGE_BITS in self.memory.pages:
            self._heads[syslet.head].pending += 1
        return super()._faulted(syslet, address)


class BackgroundFaultIsTheEndOfAll(Mutant):
    """A fault in the background ends every syslet of that head, as waits see it."""

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        if pause is Pause.FAULTED and syslet.asynchronous:
            self._heads[syslet.head].pending = 1
        return pause

    def _end(self, syslet: Syslet) -> None:
        self._heads.setdefault(syslet.head, HeadState(1))
        super()._end(syslet)


class BackgroundFaultStopsTheEngine(Mutant):
    """After a fault in the background nothing runs in the background any more."""

    _stopped = False

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        if pause is Pause.FAULTED and syslet.asynchronous:
            self._stopped = True
        return pause

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        return -EFAULT if self._stopped and not word else word


# -- descriptors ------------------------------------------------------------------------


class _SlotCount(Mutant):
    """An engine with another rule of what a ring is."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(ring)["slot_count"] = self._slot_count

    _slot_count = staticmethod(ring.slot_count)


class RestOfTheSizeIsIgnored(_SlotCount):
    """A size that is no multiple of the word is rounded down."""

    @staticmethod
    def _slot_count(head: AsyncHeadUser, word_bytes: int) -> int | None:
        slots = head.ring_size_bytes // word_bytes
        bad = not head.completion_ring or not slots or head.kernel_ring_idx >= slots
        return None if bad else slots


class KernelIndexMayBeTheEnd(_SlotCount):
    """A kernel_ring_idx of as many as there are slots is taken, and filled."""

    @staticmethod
    def _slot_count(head: AsyncHeadUser, word_bytes: int) -> int | None:
        slots, rest = divmod(head.ring_size_bytes, word_bytes)
        bad = not head.completion_ring or rest or not slots or head.kernel_ring_idx > slots
        return None if bad else slots


class UserIndexWraps(Mutant):
    """A user_ring_idx beyond the ring starts over at 0."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        fields, _ = self._descriptor(head)
        if fields is not None:
            user_ring_idx %= len(self._slots(fields))
        return super()._wait(min_events, user_ring_idx, head)


class WaitTakesAnyDescriptor(Mutant):
    """Wait does not report a bad descriptor: there is nothing to wait for."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        fields, _ = self._descriptor(head)
        return 0 if fields is None else super()._wait(min_events, user_ring_idx, head)


class BadDescriptorStarts(Mutant):
    """On a bad descriptor the head's own words are filled in place of a ring."""

    def _exec(self, atom: int, head: int) -> int:
        fields, _ = self._descriptor(head)
        if fields is None and self.memory.is_mapped(head, self.abi.head_size):
            self.memory.set_word(head, 1)
        return super()._exec(atom, head)


# -- addresses --------------------------------------------------------------------------


class ArgumentsAreAligned(Mutant):
    """The low bits of an argument pointer are dropped."""

    _run = rewritten(
        _RUN,
        (
            "args += unpack_word(data, pointer - base)",
            "args += unpack_word(data, pointer - base & -4)",
        ),
    )


class RingsAreAligned(Mutant):
    """The low bits of completion_ring are dropped where an entry is put."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        place = syslet.head + self.abi.head_offsets["completion_ring"]
        ring_address = self.memory.word(place)
        self.memory.set_word(place, ring_address & -self.abi.word_bytes)
        posted = super()._post(syslet)
        self.memory.set_word(place, ring_address)
        return posted


class ResultsAreAligned(Mutant):
    """The low bits of ret_ptr are dropped."""

    _run = rewritten(_RUN, ("ret_ptr = fields[2]", "ret_ptr = fields[2] & -self.abi.word_bytes"))


class DiesAtTheEndOfTheAddressSpace(Mutant):
    """An atom that would wrap around the address space takes the engine with it."""

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        if address + self.abi.atom_size > self.abi.word_mask + 1:
            os.abort()
        return super()._fetch_packed(address)


# -- random bytes -----------------------------------------------------------------------


class DiesOfUnknownFlags(Mutant):
    """A flag that nobody knows takes the engine with it."""

    _run = rewritten(_RUN, ("if flags & _ASYNC and", _DIES + "if flags & _ASYNC and"))


class StoresTwoWords(Mutant):
    """A result is stored with a word of 0 after it."""

    _run = rewritten(
        _RUN, (_STORE, f"{_STORE}; pack_word(data, ret_ptr + self.abi.word_bytes - base, 0)")
    )


CAUGHT: dict[str, tuple[str, ...]] = {
    "CutOffIsZero": ("fault.first-atom", "fault.later-atom"),
    "NullRuns": ("fault.first-atom",),
    "FaultIsQueued": ("fault.first-atom",),
    "NullIsPending": ("fault.first-atom",),
    "LaterFaultIsTheEnd": ("fault.later-atom",),
    "LooksAhead": ("fault.later-atom",),
    "UnreadableArgumentIsZero": ("fault.argument",),
    "LastArgumentIsNotChecked": ("fault.argument",),
    "PartOfAWordWillDo": ("fault.argument",),
    "RetFaultIsNotSeen": ("fault.ret-ptr",),
    "RetFaultIsZero": ("fault.ret-ptr",),
    "RetFaultEnds": ("fault.ret-ptr",),
    "BackgroundFaultStaysPending": ("fault.after-async",),
    "BackgroundFaultIsTheEndOfAll": ("fault.after-async",),
    "BackgroundFaultStopsTheEngine": ("fault.after-async",),
    "RestOfTheSizeIsIgnored": ("fault.descriptor",),
    "KernelIndexMayBeTheEnd": ("fault.descriptor",),
    "UserIndexWraps": ("fault.descriptor",),
    "WaitTakesAnyDescriptor": ("fault.descriptor",),
    "BadDescriptorStarts": ("fault.descriptor",),
    "ArgumentsAreAligned": ("fault.odd-address",),
    "RingsAreAligned": ("fault.odd-address",),
    "ResultsAreAligned": ("fault.odd-address",),
    "DiesAtTheEndOfTheAddressSpace": ("fault.odd-address",),
    "DiesOfUnknownFlags": ("fault.random-bytes",),
    "StoresTwoWords": ("fault.random-bytes",),
}
"""Each engine, and the requirements whose tests must catch it."""
