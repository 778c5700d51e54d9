"""Engines that look for things where they are not, or take their bytes the wrong way round.

Those with an `Abi` of another kind lead the suite's own layouts astray in the same way, so
only bytes written by hand show it.
"""

from __future__ import annotations

import struct
from typing import Any, ClassVar

from construct import Int32ul, Int64ub, Int64ul

import syslet_reference.engine as shell
from mutants.engine import Mutant, Sees
from mutants.rewritten import rewritten
from syslet_layouts import Abi, AsyncHeadUser, Flag, decode_head
from syslet_reference import ring
from syslet_reference.memory import PageFault
from syslet_reference.syslet import Syslet

CAUGHT = {
    "AtomsOf48Bytes": ("layout.atom-size",),
    "AtomsOf40Bytes": ("layout.atom-size",),
    "Atoms64BitsApart": ("layout.atom-size",),
    "ReadsAWordBehindTheAtom": ("layout.atom-size",),
    "ClearsTheWordBehindTheAtom": ("layout.atom-size",),
    "FlagsAndNrShareAWord": ("layout.atom-fields", "layout.atom-size"),
    "FlagsTakeAWord": ("layout.atom-fields", "layout.atom-size"),
    "NrBeforeFlags": ("layout.atom-fields",),
    "NextBeforeRetPtr": ("layout.atom-fields",),
    "PrivateBeforeArguments": ("layout.atom-fields",),
    "LastArgumentsExchanged": ("layout.atom-fields",),
    "KernelIndexInTheSecondWord": ("layout.head-fields",),
    "RingSizeBeforeRing": ("layout.head-fields",),
    "RingSizeIsASlotCount": ("layout.head-fields",),
    "NineWordsOfDescriptor": ("layout.head-fields",),
    "WritesTheHeadStack": ("layout.head-fields",),
    "WantsANewThreadStack": ("layout.head-fields",),
    "SlotsOfTwoWords": ("layout.ring-slots",),
    "SlotsBehindAHeader": ("layout.ring-slots",),
    "SlotsHoldOffsets": ("layout.ring-slots",),
    "WritesTwoWordsOfASlot": ("layout.ring-slots",),
    "AsyncIs0x100": ("layout.flag-bits",),
    "SyncIs0x100": ("layout.flag-bits",),
    "AsyncAndSyncExchanged": ("layout.flag-bits",),
    "NoCompleteIs0x100": ("layout.flag-bits",),
    "NonzeroAndZeroExchanged": ("layout.flag-bits",),
    "NegativeAndNonPositiveExchanged": ("layout.flag-bits",),
    "NegativeIs0x100": ("layout.flag-bits",),
    "NonPositiveIs0x100": ("layout.flag-bits",),
    "SkipIs0x100": ("layout.flag-bits",),
    "BigEndianIsLittleEndian": ("layout.byte-order",),
    "Big64BitWordsAreLittleEndian": ("layout.byte-order",),
    "LittleEndianIsBigEndian": ("layout.byte-order",),
    "ResultsInTheOtherOrder": ("layout.byte-order",),
    "ArgumentsInTheOtherOrder": ("layout.byte-order",),
    "EntriesInTheOtherOrder": ("layout.byte-order", "layout.ring-slots"),
    "KernelIndexInTheOtherOrder": ("layout.byte-order", "layout.head-fields"),
}
"""Each engine, and the requirements whose tests must catch it."""

PRIVATE, ATOM_BYTES, WORD_BYTES = 40, 44, 4


# -- the size of an atom ----------------------------------------------------------------


class AtomsOf48Bytes(Mutant):
    """Atoms lie 48 bytes apart, a multiple of 16."""

    def __init__(self, abi: Abi) -> None:
        vars(abi)["atom_size"] = 48
        super().__init__(abi)


class AtomsOf40Bytes(Mutant):
    """An atom has no private."""

    def __init__(self, abi: Abi) -> None:
        vars(abi)["atom_size"] = 40
        super().__init__(abi)


class Atoms64BitsApart(Mutant):
    """On every ABI atoms lie 88 bytes apart."""

    def __init__(self, abi: Abi) -> None:
        vars(abi)["atom_size"] = 88
        super().__init__(abi)


class ReadsAWordBehindTheAtom(Mutant):
    """Twelve words are fetched where the first pointer that is NULL is none of six."""

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        fields = super()._fetch_packed(address)
        if all(fields[4:10]):
            raise PageFault(address)
        return fields

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        unpack = self._atom_unpack

        def unpack_twelve(buffer: Any, offset: int = 0) -> tuple[Any, ...]:
            struct.unpack_from("<12I", buffer, offset)
            return unpack(buffer, offset)

        self._atom_unpack = unpack_twelve


class ClearsTheWordBehindTheAtom(Mutant):
    """An atom that has run leaves a NULL behind it."""

    _run = rewritten(
        Mutant._run,
        (
            "ret_ptr = fields[2]",
            f"ret_ptr = fields[2]; self.memory.is_mapped(address, {ATOM_BYTES + WORD_BYTES})"
            f" and self.memory.set_word(address + {ATOM_BYTES}, 0)",
        ),
    )


# -- the fields of an atom --------------------------------------------------------------


class FlagsAndNrShareAWord(Mutant):
    """On lp64, flags and nr are 32-bit, as on fixed64."""

    abis = ("lp64-le",)

    def __init__(self, abi: Abi) -> None:
        super().__init__(Abi(abi.name, Int64ul, Int32ul))


class FlagsTakeAWord(Mutant):
    """On fixed64, flags and nr are 64-bit, as on lp64."""

    abis = ("fixed64-le",)

    def __init__(self, abi: Abi) -> None:
        super().__init__(Abi(abi.name, Int64ul, Int64ul))


class _Fields(Sees):
    """It takes an atom's words for other fields: word `order[i]` for field i."""

    order: tuple[int, ...]

    def seen(self, fields: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(fields[word] for word in self.order)


class NrBeforeFlags(_Fields):
    """The first word is nr, and the second flags."""

    order = (1, 0, *range(2, 11))


class NextBeforeRetPtr(_Fields):
    """The third word is next, and the fourth ret_ptr."""

    order = (0, 1, 3, 2, *range(4, 11))


class PrivateBeforeArguments(_Fields):
    """private lies in front of the argument pointers."""

    order = (0, 1, 2, 3, *range(5, 11), 4)


class LastArgumentsExchanged(_Fields):
    """The sixth argument pointer lies in front of the fifth."""

    order = (*range(8), 9, 8, 10)


# -- the descriptor ---------------------------------------------------------------------


class KernelIndexInTheSecondWord(Mutant):
    """kernel_ring_idx and user_ring_idx are exchanged."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        offsets = abi.head_offsets
        here, there = "kernel_ring_idx", "user_ring_idx"
        vars(abi)["head_offsets"] = {**offsets, here: offsets[there], there: offsets[here]}

    def _descriptor(self, head: int) -> tuple[AsyncHeadUser | None, int]:
        fields, error = super()._descriptor(head)
        if fields is not None:
            fields = fields._replace(
                kernel_ring_idx=fields.user_ring_idx, user_ring_idx=fields.kernel_ring_idx
            )
        return fields, error


class _Descriptor(Mutant):
    """It takes a descriptor's words for other fields."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["decode_head"] = lambda abi, data: self.seen(decode_head(abi, data))

    def seen(self, head: AsyncHeadUser) -> AsyncHeadUser:
        """What it takes the descriptor for."""
        return head


class RingSizeBeforeRing(_Descriptor):
    """ring_size_bytes is the third word, and completion_ring the fourth."""

    def seen(self, head: AsyncHeadUser) -> AsyncHeadUser:
        return head._replace(
            completion_ring=head.ring_size_bytes, ring_size_bytes=head.completion_ring
        )


class RingSizeIsASlotCount(_Descriptor):
    """ring_size_bytes counts slots."""

    def seen(self, head: AsyncHeadUser) -> AsyncHeadUser:
        return head._replace(ring_size_bytes=head.ring_size_bytes * WORD_BYTES)


class WantsANewThreadStack(_Descriptor):
    """A syslet goes asynchronous on new_thread_stack, which may not be in the first page."""

    def seen(self, head: AsyncHeadUser) -> AsyncHeadUser:
        return head._replace(completion_ring=0) if 0 < head.new_thread_stack < 4096 else head


class NineWordsOfDescriptor(Mutant):
    """A descriptor has a ninth word."""

    def _descriptor(self, head: int) -> tuple[AsyncHeadUser | None, int]:
        if not self.memory.is_mapped(head, 9 * WORD_BYTES):
            return None, 14
        return super()._descriptor(head)


class WritesTheHeadStack(Mutant):
    """The caller's stack is kept in head_stack while a syslet is asynchronous."""

    def _end(self, syslet: Syslet) -> None:
        offset = self.abi.head_offsets["head_stack"]
        self.memory.set_word(syslet.head + offset, syslet.atom)
        super()._end(syslet)


# -- the ring ---------------------------------------------------------------------------


def _two_words(head: AsyncHeadUser, index: int, word_bytes: int) -> int:
    return head.completion_ring + index * 2 * word_bytes


def _behind_a_header(head: AsyncHeadUser, index: int, word_bytes: int) -> int:
    return head.completion_ring + (index + 1) * word_bytes


class SlotsOfTwoWords(Mutant):
    """Slots lie two words apart."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(ring)["slot_address"] = _two_words


class SlotsBehindAHeader(Mutant):
    """The first word of the ring is no slot."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(ring)["slot_address"] = _behind_a_header


class _Posts(Mutant):
    """It fills a slot in another way."""

    def fill(self, slot: int, index: int, atom: int) -> None:
        """Fill the slot at that address."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        index, error = super()._post(syslet)
        head, _ = self._descriptor(syslet.head)
        if not error and head is not None:
            self.fill(head.completion_ring + index * self.abi.word_bytes, index, syslet.last)
        return index, error


class SlotsHoldOffsets(_Posts):
    """A slot holds how far the atom lies behind the ring."""

    def fill(self, slot: int, index: int, atom: int) -> None:
        self.memory.set_word(slot, atom - slot + index * WORD_BYTES)


class WritesTwoWordsOfASlot(_Posts):
    """The word in front of the slot is cleared with it."""

    def fill(self, slot: int, index: int, atom: int) -> None:
        if not index:
            self.memory.set_word(slot - WORD_BYTES, 0)
        self.memory.set_word(slot, atom)


# -- the flag bits ----------------------------------------------------------------------


class _Flags(Sees):
    """It takes a bit for another: bit i of an atom's flags for `bits[i]`."""

    bits: ClassVar[dict[int, int]] = {}

    def seen(self, fields: tuple[Any, ...]) -> tuple[Any, ...]:
        flags = fields[0]
        changed = sum(new for old, new in self.bits.items() if flags & old)
        return (flags & ~sum(self.bits) | changed, *fields[1:])


class AsyncIs0x100(_Flags):
    """Bit 0x01 is nothing."""

    bits: ClassVar = {0x01: 0x100}


class SyncIs0x100(_Flags):
    """Bit 0x02 is nothing."""

    bits: ClassVar = {0x02: 0x100}


class AsyncAndSyncExchanged(_Flags):
    """Bit 0x01 is SYNC, and bit 0x02 ASYNC."""

    bits: ClassVar = {0x01: int(Flag.SYNC), 0x02: int(Flag.ASYNC)}


class NoCompleteIs0x100(_Flags):
    """Bit 0x04 is nothing."""

    bits: ClassVar = {0x04: 0x100}


class NonzeroAndZeroExchanged(_Flags):
    """Bit 0x08 stops on zero, and bit 0x10 on the rest."""

    bits: ClassVar = {0x08: int(Flag.STOP_ON_ZERO), 0x10: int(Flag.STOP_ON_NONZERO)}


class NegativeAndNonPositiveExchanged(_Flags):
    """Bit 0x20 stops on zero too, and bit 0x40 does not."""

    bits: ClassVar = {0x20: int(Flag.STOP_ON_NON_POSITIVE), 0x40: int(Flag.STOP_ON_NEGATIVE)}


class NegativeIs0x100(_Flags):
    """Bit 0x20 is nothing."""

    bits: ClassVar = {0x20: 0x100}


class NonPositiveIs0x100(_Flags):
    """Bit 0x40 is nothing."""

    bits: ClassVar = {0x40: 0x100}


class SkipIs0x100(_Flags):
    """Bit 0x80 is nothing."""

    bits: ClassVar = {0x80: 0x100}


# -- byte order -------------------------------------------------------------------------


class BigEndianIsLittleEndian(Mutant):
    """On ilp32-be it is little-endian all through."""

    abis = ("ilp32-be",)

    def __init__(self, abi: Abi) -> None:
        super().__init__(Abi(abi.name, Int32ul, Int32ul))


class Big64BitWordsAreLittleEndian(Mutant):
    """On lp64-be it is little-endian all through."""

    abis = ("lp64-be",)

    def __init__(self, abi: Abi) -> None:
        super().__init__(Abi(abi.name, Int64ul, Int64ul))


class LittleEndianIsBigEndian(Mutant):
    """On lp64-le it is big-endian all through."""

    abis = ("lp64-le",)

    def __init__(self, abi: Abi) -> None:
        super().__init__(Abi(abi.name, Int64ub, Int64ub))


class ResultsInTheOtherOrder(Mutant):
    """Results are little-endian on a big-endian ABI."""

    abis = ("ilp32-be",)

    _run = rewritten(
        Mutant._run,
        (
            "pack_word(data, ret_ptr - base, result & word_mask)",
            "pack_word(data, ret_ptr - base, "
            "int.from_bytes((result & word_mask).to_bytes(4, 'little'), 'big'))",
        ),
    )


class ArgumentsInTheOtherOrder(Mutant):
    """The words that pointers point to are little-endian on a big-endian ABI."""

    abis = ("ilp32-be",)

    _run = rewritten(
        Mutant._run,
        (
            "args += unpack_word(data, pointer - base)",
            "args += unpack_word(data, pointer - base); "
            "args[-1] = int.from_bytes(args[-1].to_bytes(4, 'little'), 'big')",
        ),
    )


class EntriesInTheOtherOrder(_Posts):
    """The ring is little-endian on a big-endian ABI."""

    abis = ("ilp32-be",)

    def fill(self, slot: int, index: int, atom: int) -> None:  # noqa: ARG002
        self.memory.write(slot, atom.to_bytes(4, "little"))


class KernelIndexInTheOtherOrder(Mutant):
    """kernel_ring_idx is little-endian on a big-endian ABI, written as well as read."""

    abis = ("ilp32-be",)

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        self._turn_index(syslet.head)
        try:
            return super()._post(syslet)
        finally:
            self._turn_index(syslet.head)

    def _turn_index(self, head: int) -> None:
        self.memory.write(head, self.memory.read(head, 4)[::-1])
