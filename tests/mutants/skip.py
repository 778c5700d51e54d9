"""Engines that are wrong about SYSLET_SKIP_TO_NEXT_ON_STOP."""

from __future__ import annotations

from typing import Any

from mutants.engine import Mutant
from mutants.following import Follows, Step, Stops
from syslet_layouts import STOP_FLAGS, Abi, Flag, packed_size
from syslet_reference.semantics import stops
from syslet_reference.syslet import Pause, Syslet

CAUGHT = {
    "StrideOffByAWord": ("skip.stride",),
    "StrideOf64BitAtoms": ("skip.stride",),
    "StrideOfThePackedAtom": ("skip.full-stride-when-packed",),
    "StrideOfThePackedAtomWithoutArguments": ("skip.full-stride-when-packed",),
    "StrideStaysInItsPage": ("skip.stride",),
    "SkipIsLostInACachemiss": ("skip.stride",),
    "SkipEndsTheSyslet": ("skip.stride", "skip.ignores-next"),
    "NextComesBeforeSkip": ("skip.ignores-next",),
    "NullEndsASkip": ("skip.ignores-next",),
    "SkipReadsNext": ("skip.ignores-next",),
    "SkipsWithoutAStop": ("skip.no-stop-follows-next",),
    "EndsWithoutAStop": ("skip.no-stop-follows-next",),
    "SkipIsAStopFlag": ("skip.needs-stop-flag",),
    "SkipAloneStopsOnZero": ("skip.needs-stop-flag",),
    "SkipAloneFallsThroughNull": ("skip.needs-stop-flag",),
    "SkipsOnce": ("skip.target-is-ordinary",),
    "TargetIsTheLast": ("skip.target-is-ordinary",),
    "TargetTakesOverFlags": ("skip.target-is-ordinary",),
    "TargetTakesOverNoComplete": ("skip.target-is-ordinary",),
    "TargetIsNotTheFinalAtom": ("skip.target-is-ordinary",),
    "TargetStaysInTheCaller": ("skip.target-is-ordinary",),
    "TargetIsFetchedAhead": ("skip.target-is-ordinary",),
}
"""Each engine, and the requirements whose tests must catch it."""

SKIP = int(Flag.SKIP_TO_NEXT_ON_STOP)


# -- the stride -------------------------------------------------------------------------


class StrideOffByAWord(Follows):
    """Skip goes a word too short."""

    def follows(self, step: Step) -> int | None:
        return step.to(atom_size=step.atom_size - 4)


class StrideOf64BitAtoms(Follows):
    """Skip goes as far as on a 64-bit machine."""

    def follows(self, step: Step) -> int | None:
        return step.to(atom_size=2 * step.atom_size)


class StrideOfThePackedAtom(Follows):
    """Skip goes to what lies behind the atom's first NULL argument, where it is packed.

    An atom counts as packed where what lies behind it is not NULL.
    """

    fewest, most = 0, 5

    def follows(self, step: Step) -> int | None:
        pointers = step.atom + self.abi.atom_offsets["arg_ptr[0]"]
        words = [self.memory.word(pointers + 4 * i) for i in range(6)] if step.stopped else [0]
        count = words.index(0) if 0 in words else 6
        if self.fewest <= count <= self.most and any(words[count:]):
            return step.to(atom_size=packed_size(self.abi, count))
        return step.to()


class StrideOfThePackedAtomWithoutArguments(StrideOfThePackedAtom):
    """Skip goes to what lies behind a packed atom that has no argument."""

    most = 0


class StrideStaysInItsPage(Follows):
    """Skip comes round to the start of the page."""

    def follows(self, step: Step) -> int | None:
        following = step.to()
        if following is not None and step.stopped:
            return step.atom & ~0xFFF | following & 0xFFF
        return following


class SkipIsLostInACachemiss(Follows):
    """The atom that was blocked stops without skipping."""

    parked = False

    def _park(self, syslet: Syslet) -> None:
        self.parked = True
        super()._park(syslet)

    def follows(self, step: Step) -> int | None:
        was_blocked, self.parked = self.parked, False
        return step.to(flags=step.flags & ~SKIP) if was_blocked else step.to()


class SkipEndsTheSyslet(Follows):
    """Skip is not known to it."""

    def follows(self, step: Step) -> int | None:
        return step.to(flags=step.flags & ~SKIP)


# -- next, while it skips ---------------------------------------------------------------


class NextComesBeforeSkip(Follows):
    """A skip follows next where there is one."""

    def follows(self, step: Step) -> int | None:
        return step.next if step.flags & SKIP and step.next else step.to()


class NullEndsASkip(Follows):
    """A skip with next NULL ends the syslet."""

    def follows(self, step: Step) -> int | None:
        return None if step.stopped and not step.next else step.to()


class SkipReadsNext(Follows):
    """A skip faults where next points to nothing."""

    def follows(self, step: Step) -> int | None:
        readable = not step.next or self.memory.is_mapped(step.next, 4)
        return step.to() if readable else step.next


# -- no stop, no skip -------------------------------------------------------------------


class SkipsWithoutAStop(Follows):
    """It skips by the flags alone, whatever the result."""

    def follows(self, step: Step) -> int | None:
        may_skip = bool(step.flags & SKIP and step.flags & STOP_FLAGS)
        return step.to(stopped=step.stopped or may_skip)


class EndsWithoutAStop(Follows):
    """An atom that could have skipped and did not stop is the last one."""

    def follows(self, step: Step) -> int | None:
        may_skip = bool(step.flags & SKIP and step.flags & STOP_FLAGS)
        return None if may_skip and not step.stopped else step.to()


class SkipIsAStopFlag(Follows):
    """SKIP without a stop flag skips always."""

    def follows(self, step: Step) -> int | None:
        alone = step.flags & SKIP and not step.flags & STOP_FLAGS
        return step.to(stopped=True) if alone else step.to()


class SkipAloneStopsOnZero(Stops):
    """SKIP without a stop flag stands for STOP_ON_ZERO as well."""

    def holds(self, flags: int, result: int) -> bool:
        alone = flags & SKIP and not flags & STOP_FLAGS
        return stops(flags | Flag.STOP_ON_ZERO if alone else flags, result)


class SkipAloneFallsThroughNull(Follows):
    """SKIP without a stop flag goes on with the atom behind where next is NULL."""

    def follows(self, step: Step) -> int | None:
        alone = step.flags & SKIP and not step.flags & STOP_FLAGS
        return step.to(next=step.next or step.atom + step.atom_size) if alone else step.to()


# -- the atom skipped to ----------------------------------------------------------------


class _KnowsItsTarget(Follows):
    """It remembers which atom the last skip led to."""

    target = 0

    def follows(self, step: Step) -> int | None:
        following = self.after(step.atom == self.target, step)
        self.target = following if following and step.stopped else 0
        return following

    def after(self, was_target: bool, step: Step) -> int | None:
        """What follows an atom; `was_target`: a skip led to it."""
        del was_target
        return step.to()


class SkipsOnce(_KnowsItsTarget):
    """An atom that was skipped to ends the syslet where it would skip itself."""

    def after(self, was_target: bool, step: Step) -> int | None:
        return None if was_target and step.stopped else step.to()


class TargetIsTheLast(_KnowsItsTarget):
    """Nothing follows an atom that was skipped to."""

    def after(self, was_target: bool, step: Step) -> int | None:
        return None if was_target else step.to()


class TargetTakesOverFlags(Follows):
    """The atom skipped to goes on by the flags of the one that skipped."""

    over = 0

    def follows(self, step: Step) -> int | None:
        flags, self.over = self.over or step.flags, 0
        following = step.to(flags=flags)
        self.over = flags if step.stopped and following is not None else 0
        return following


class TargetTakesOverNoComplete(_KnowsItsTarget):
    """NO_COMPLETE of the atom that skipped holds for the one skipped to."""

    silent, is_silent_end = False, False

    def after(self, was_target: bool, step: Step) -> int | None:
        following = step.to()
        self.is_silent_end = was_target and self.silent and following is None
        self.silent = bool(step.stopped and step.flags & Flag.NO_COMPLETE)
        return following

    def _end(self, syslet: Syslet) -> None:
        if self.is_silent_end:
            syslet.fields = (syslet.fields[0] | Flag.NO_COMPLETE, *syslet.fields[1:])
        super()._end(syslet)


class TargetIsNotTheFinalAtom(_KnowsItsTarget):
    """The entry names the atom that skipped, and not the one skipped to."""

    ended_at = 0

    def after(self, was_target: bool, step: Step) -> int | None:
        following = step.to()
        self.ended_at = step.atom if was_target and following is None else 0
        return following

    def _end(self, syslet: Syslet) -> None:
        if self.ended_at == syslet.last:
            syslet.last -= self.abi.atom_size
        super()._end(syslet)


class TargetStaysInTheCaller(_KnowsItsTarget):
    """ASYNC is not looked at in an atom that was skipped to."""

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        if pause is Pause.GOES_ASYNC and syslet.atom == self.target:
            syslet.asynchronous = True
            pause = super()._run(syslet, atoms)
            syslet.asynchronous = False
        return pause


class TargetIsFetchedAhead(Mutant):
    """The atom behind one that may skip is read with it, before the syscall."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        right, size = self._atom_unpack, abi.atom_size
        kept: dict[tuple[int, int], tuple[int, ...]] = {}

        def unpack(buffer: Any, offset: int = 0) -> tuple[int, ...]:
            fields = kept.pop((id(buffer), offset), None) or right(buffer, offset)
            kept.clear()
            if fields[0] & SKIP and offset + 2 * size <= len(buffer):
                kept[id(buffer), offset + size] = right(buffer, offset + size)
            return fields

        self._atom_unpack = unpack
