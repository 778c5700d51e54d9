"""Engines that are wrong about what follows an atom, when it is read, or where it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import syslet_reference.engine as shell
from mutants.engine import Mutant
from mutants.following import Follows, Step, Stops
from syslet_layouts import Abi, Flag
from syslet_reference.semantics import stops, successor
from syslet_reference.syslet import Syslet

CAUGHT = {
    "NextIsAdjacent": ("chain.next",),
    "NextOnlyForward": ("chain.next", "chain.any-graph"),
    "NextAtTheEndOfAStride": ("chain.next",),
    "FailureEndsTheChain": ("chain.next", "chain.stop-any-of"),
    "NullFallsThrough": ("chain.null-ends",),
    "NullFallsThroughInTheBackground": ("chain.null-ends",),
    "NullIsFetched": ("chain.null-ends",),
    "FetchesTheNextAtomAhead": ("chain.fetched-on-the-fly",),
    "FetchesTheNextFlagsAhead": ("chain.fetched-on-the-fly",),
    "FetchesTheNextPointersAhead": ("chain.fetched-on-the-fly",),
    "FetchesTheChainAtOnce": ("chain.fetched-on-the-fly",),
    "KeepsAtomsThatItRan": ("chain.fetched-on-the-fly",),
    "FetchesAheadWhenItBlocks": ("chain.sequential",),
    "RunsEachAtomOnce": ("chain.any-graph",),
    "EndsAtALoop": ("chain.any-graph",),
    "LeavesALoopAfterTheSecondTurn": ("chain.any-graph",),
    "SharedTailRunsForOneSyslet": ("chain.any-graph",),
    "NoStopOnNegative": ("chain.stop-table", "chain.stop-any-of"),
    "NegativeStopsOnZero": ("chain.stop-table",),
    "NonPositiveLeavesOutZero": ("chain.stop-table",),
    "NonzeroStopsOnPositiveAlone": ("chain.stop-table",),
    "LeastWordIsNotNegative": ("chain.stop-table",),
    "JudgesErrnosAlone": ("chain.stop-table",),
    "JudgesTheLowerHalf": ("chain.stop-table",),
    "NothingStopsAfterACachemiss": ("chain.stop-table", "chain.stop-ends"),
    "StopsWhereAllFlagsHold": ("chain.stop-any-of",),
    "StopsByTheLowestFlag": ("chain.stop-any-of",),
    "StopsByTheHighestFlag": ("chain.stop-any-of",),
    "ThreeFlagsAreNone": ("chain.stop-any-of",),
    "StopLooksAtNext": ("chain.stop-ends",),
    "StopAlwaysSkips": ("chain.stop-ends",),
    "StopFollowsNext": ("chain.stop-ends",),
    "GoesOnWhileItIsBlocked": ("chain.sequential",),
    "GoesOnWhileItIsBlockedAgain": ("chain.sequential",),
    "StopsAfter65536Atoms": ("chain.unbounded",),
    "StopsBefore100000Atoms": ("chain.unbounded",),
    "StopsBefore1000000Atoms": ("chain.unbounded",),
    "RunsFromTheStartOfTheMapping": ("chain.first-atom-only",),
    "RoundsAtomAddresses": ("chain.first-atom-only",),
    "StaysInItsMapping": ("chain.first-atom-only", "chain.next"),
}
"""Each engine, and the requirements whose tests must catch it."""

Fields = tuple[Any, ...]

NEXT = 3
"""Where `next` stands among the numbers of an atom."""


class _Fetches(Mutant):
    """It has another way of reading atoms: `fetch` gives the numbers of the one at `address`.

    Every exec forgets what was read before it.
    """

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.kept: dict[int, Fields] = {}
        self._atom_unpack = self._unpack

    def _unpack(self, buffer: Any, offset: int = 0) -> Fields:
        base = next(base for base, mapped in self.memory.pages.values() if mapped is buffer)
        return self.fetch(base + offset, lambda: self.abi.atom_struct.unpack_from(buffer, offset))

    def fetch(self, address: int, now: Callable[[], Fields]) -> Fields:
        """What it takes the atom at `address` for; `now` gives what lies there."""
        del address
        return now()

    def fresh(self, address: int) -> Fields | None:
        """What lies there, or None where it is not a whole atom."""
        if not self.memory.is_mapped(address, self.abi.atom_size):
            return None
        return self.abi.atom_struct.unpack(self.memory.read(address, self.abi.atom_size))

    def _exec(self, atom: int, head: int) -> int:
        self.kept.clear()
        return super()._exec(atom, head)


# -- next -------------------------------------------------------------------------------


class NextIsAdjacent(Follows):
    """It takes any next that is not NULL for the atom behind this one."""

    def follows(self, step: Step) -> int | None:
        return step.to(next=step.atom + step.atom_size) if step.next else step.to()


class NextOnlyForward(Follows):
    """It ends where next leads back."""

    def follows(self, step: Step) -> int | None:
        return step.to(next=step.next if step.next > step.atom else 0)


class NextAtTheEndOfAStride(Follows):
    """It follows next only by whole atoms."""

    def follows(self, step: Step) -> int | None:
        atoms = (step.next - step.atom) // step.atom_size
        return step.to(next=step.atom + atoms * step.atom_size) if step.next else step.to()


class FailureEndsTheChain(Stops):
    """An atom whose syscall fails stops, whatever its flags."""

    def holds(self, flags: int, result: int) -> bool:
        return -4095 <= result < 0 or stops(flags, result)


# -- NULL -------------------------------------------------------------------------------


class NullFallsThrough(Follows):
    """With next NULL it goes on with the atom behind."""

    def follows(self, step: Step) -> int | None:
        behind = step.atom + step.atom_size
        return step.to(next=step.next or behind) if self.is_atom(behind) else step.to()


class NullFallsThroughInTheBackground(NullFallsThrough):
    """With next NULL it goes on with the atom behind, once the syslet was blocked."""

    was_blocked = False

    def _park(self, syslet: Syslet) -> None:
        self.was_blocked = True
        super()._park(syslet)

    def follows(self, step: Step) -> int | None:
        return super().follows(step) if self.was_blocked else step.to()


class NullIsFetched(Follows):
    """NULL is an address as any other to it."""

    def follows(self, step: Step) -> int | None:
        following = step.to()
        return 0 if following is None and not step.stopped else following


# -- when atoms are read ----------------------------------------------------------------


class FetchesTheNextAtomAhead(_Fetches):
    """It reads the next atom before this one's syscall."""

    def fetch(self, address: int, now: Callable[[], Fields]) -> Fields:
        fields = self.kept.pop(address, None) or now()
        ahead = self.fresh(fields[NEXT])
        self.kept = {} if ahead is None or fields[NEXT] == address else {fields[NEXT]: ahead}
        return fields


class FetchesTheNextFlagsAhead(FetchesTheNextAtomAhead):
    """It reads the next atom's flags before this one's syscall, and the rest in time."""

    def fetch(self, address: int, now: Callable[[], Fields]) -> Fields:
        return (*super().fetch(address, now)[:1], *now()[1:])


class FetchesTheNextPointersAhead(FetchesTheNextAtomAhead):
    """It reads where the next atom's arguments are before this one's syscall."""

    def fetch(self, address: int, now: Callable[[], Fields]) -> Fields:
        return (*now()[: NEXT + 1], *super().fetch(address, now)[NEXT + 1 :])


class FetchesTheChainAtOnce(_Fetches):
    """It copies the whole chain at the first atom."""

    def fetch(self, address: int, now: Callable[[], Fields]) -> Fields:
        if not self.kept:
            fields: Fields | None = now()
            while fields and address not in self.kept:
                self.kept[address] = fields
                address = fields[NEXT]
                fields = self.fresh(address)
            return next(iter(self.kept.values()))
        return self.kept.get(address) or now()


class KeepsAtomsThatItRan(_Fetches):
    """An atom that comes round again runs as it was first read."""

    def fetch(self, address: int, now: Callable[[], Fields]) -> Fields:
        return self.kept.setdefault(address, now())


class FetchesAheadWhenItBlocks(_Fetches):
    """It reads the next atom when it goes to sleep, and not when it has woken up."""

    def fetch(self, address: int, now: Callable[[], Fields]) -> Fields:
        return self.kept.pop(address, None) or now()

    def _park(self, syslet: Syslet) -> None:
        ahead = self.fresh(syslet.fields[NEXT])
        if ahead is not None:
            self.kept[syslet.fields[NEXT]] = ahead
        super()._park(syslet)


# -- graphs -----------------------------------------------------------------------------


class RunsEachAtomOnce(Follows):
    """It ends where it comes to an atom that has run before, in whichever exec."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.seen: set[int] = set()

    def follows(self, step: Step) -> int | None:
        self.seen.add(step.atom)
        following = step.to()
        return None if following in self.seen else following

    def map(self, size: int) -> int:
        self.seen.clear()
        return super().map(size)


class EndsAtALoop(RunsEachAtomOnce):
    """It ends where the syslet would come to an atom a second time."""

    def _exec(self, atom: int, head: int) -> int:
        self.seen.clear()
        return super()._exec(atom, head)


class LeavesALoopAfterTheSecondTurn(Follows):
    """It ends where an atom would come round a third time."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.turns: dict[int, int] = {}

    def follows(self, step: Step) -> int | None:
        self.turns[step.atom] = self.turns.get(step.atom, 0) + 1
        following = step.to()
        return None if self.turns.get(following or 0, 0) > 1 else following

    def _exec(self, atom: int, head: int) -> int:
        self.turns.clear()
        return super()._exec(atom, head)


class SharedTailRunsForOneSyslet(Follows):
    """A next that another atom has led to is not followed from a second one."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.led: dict[int, int] = {}

    def follows(self, step: Step) -> int | None:
        following = step.to()
        if following is None or self.led.setdefault(following, step.atom) == step.atom:
            return following
        return None

    def map(self, size: int) -> int:
        self.led.clear()
        return super().map(size)


# -- the stop table ---------------------------------------------------------------------


class NoStopOnNegative(Stops):
    """STOP_ON_NEGATIVE is not seen."""

    def holds(self, flags: int, result: int) -> bool:
        return stops(flags & ~Flag.STOP_ON_NEGATIVE, result)


class NegativeStopsOnZero(Stops):
    """STOP_ON_NEGATIVE also stops on 0."""

    def holds(self, flags: int, result: int) -> bool:
        return stops(flags, result) or bool(flags & Flag.STOP_ON_NEGATIVE and not result)


class NonPositiveLeavesOutZero(Stops):
    """STOP_ON_NON_POSITIVE does not stop on 0."""

    def holds(self, flags: int, result: int) -> bool:
        return stops(flags if result else flags & ~Flag.STOP_ON_NON_POSITIVE, result)


class NonzeroStopsOnPositiveAlone(Stops):
    """STOP_ON_NONZERO does not stop on an error."""

    def holds(self, flags: int, result: int) -> bool:
        return stops(flags if result >= 0 else flags & ~Flag.STOP_ON_NONZERO, result)


class LeastWordIsNotNegative(Stops):
    """It asks whether the result's opposite is positive, which the least word's is not."""

    def holds(self, flags: int, result: int) -> bool:
        return stops(flags, 1 if result == self.abi.word_min else result)


class JudgesErrnosAlone(Stops):
    """A result is negative only where it is an errno."""

    def holds(self, flags: int, result: int) -> bool:
        return stops(flags, 1 if result < -4095 else result)


class JudgesTheLowerHalf(Stops):
    """It keeps the result in an int of 32 bits."""

    abis = ("lp64-le",)

    def holds(self, flags: int, result: int) -> bool:
        return stops(flags, (result + (1 << 31)) % (1 << 32) - (1 << 31))


class NothingStopsAfterACachemiss(Stops):
    """The flags of an atom that was blocked are not looked at."""

    parked = False

    def _park(self, syslet: Syslet) -> None:
        self.parked = True
        super()._park(syslet)

    def holds(self, flags: int, result: int) -> bool:
        was_blocked, self.parked = self.parked, False
        return not was_blocked and stops(flags, result)


_FLAGS = (
    Flag.STOP_ON_NONZERO,
    Flag.STOP_ON_ZERO,
    Flag.STOP_ON_NEGATIVE,
    Flag.STOP_ON_NON_POSITIVE,
)


class StopsWhereAllFlagsHold(Stops):
    """Of several stop flags, each one must hold."""

    def holds(self, flags: int, result: int) -> bool:
        chosen = [flag for flag in _FLAGS if flags & flag]
        return bool(chosen) and all(stops(flag, result) for flag in chosen)


class StopsByTheLowestFlag(Stops):
    """Of several stop flags, the lowest one counts."""

    def holds(self, flags: int, result: int) -> bool:
        return stops(next((flag for flag in _FLAGS if flags & flag), 0), result)


class StopsByTheHighestFlag(Stops):
    """Of several stop flags, the highest one counts."""

    def holds(self, flags: int, result: int) -> bool:
        return stops(next((flag for flag in _FLAGS[::-1] if flags & flag), 0), result)


class ThreeFlagsAreNone(Stops):
    """Its table has no rows for more than two stop flags."""

    def holds(self, flags: int, result: int) -> bool:
        return sum(bool(flags & flag) for flag in _FLAGS) <= 2 and stops(flags, result)


# -- a stop ends ------------------------------------------------------------------------


class StopLooksAtNext(Follows):
    """It reads the next atom though this one has stopped, and faults where it cannot."""

    def follows(self, step: Step) -> int | None:
        following = step.to()
        if following is None and step.next and not self.memory.is_mapped(step.next, 4):
            return step.next
        return following


class StopAlwaysSkips(Follows):
    """Every stop skips."""

    def follows(self, step: Step) -> int | None:
        return step.to(flags=step.flags | Flag.SKIP_TO_NEXT_ON_STOP)


class StopFollowsNext(Follows):
    """A stop does not end a syslet whose next atom lies further on."""

    def follows(self, step: Step) -> int | None:
        return step.next if step.next > step.atom else step.to()


# -- sequential -------------------------------------------------------------------------


class GoesOnWhileItIsBlocked(Mutant):
    """The first blocked syscall of a syslet is left to itself, and the atoms after it run."""

    most_before = 0
    """How many cachemisses it must have had."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.blocked_before: dict[int, int] = {}

    def _park(self, syslet: Syslet) -> None:
        before = self.blocked_before.get(syslet.number, 0)
        self.blocked_before[syslet.number] = before + 1
        super()._park(syslet)
        flags, following = syslet.fields[0], syslet.fields[NEXT]
        if following and before == self.most_before and not flags & Flag.STOP_ON_NONZERO:
            rest = Syslet(syslet.number, syslet.head, following, asynchronous=True)
            self._heads[syslet.head].pending += 1
            syslet.fields = (flags | Flag.NO_COMPLETE, *syslet.fields[1:NEXT], 0)
            syslet.fields += (0,) * 7
            self._runnable.append(rest)


class GoesOnWhileItIsBlockedAgain(GoesOnWhileItIsBlocked):
    """The second blocked syscall of a syslet is left to itself, and the atoms after it run."""

    most_before = 1


# -- unbounded --------------------------------------------------------------------------


class StopsAfter65536Atoms(Mutant):
    """A syslet ends after so many atoms."""

    most = 65536
    ran = 0

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)

        def follows(*asked: int) -> int | None:
            self.ran += 1
            return None if self.ran == self.most else right(*asked)

        right: Callable[..., int | None] = successor
        vars(shell)["successor"] = follows

    def _exec(self, atom: int, head: int) -> int:
        self.ran = 0
        return super()._exec(atom, head)


class StopsBefore100000Atoms(StopsAfter65536Atoms):
    """A syslet ends an atom before the hundred thousandth."""

    most = 99_999


class StopsBefore1000000Atoms(StopsAfter65536Atoms):
    """A syslet ends a turn before the millionth."""

    most = 999_999


# -- the first atom alone ---------------------------------------------------------------


class RunsFromTheStartOfTheMapping(Mutant):
    """It takes the start of the mapping for the start of the syslet."""

    def _exec(self, atom: int, head: int) -> int:
        for start, pages in self.memory._mapped.items():
            if start <= atom < start + pages * 4096:
                atom = start
        return super()._exec(atom, head)


class RoundsAtomAddresses(Follows):
    """It wants atoms at multiples of 8 bytes."""

    def follows(self, step: Step) -> int | None:
        following = step.to()
        return None if following and following % 8 else following


class StaysInItsMapping(Follows):
    """It ends where next leads into another mapping."""

    def follows(self, step: Step) -> int | None:
        here, there = (self.memory.pages.get(a >> 12) for a in (step.atom, step.next))
        return step.to() if here is there else step.to(next=0)
