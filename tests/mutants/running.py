"""Engines that break one rule of the area running (exec.*)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from errno import EAGAIN, EFAULT, EINVAL

import syslet_reference.engine as shell
from mutants.engine import HangingMutant, Mutant, Sees
from syslet_layouts import Abi, Flag, decode_atom
from syslet_reference.syslet import HeadState, Pause, Syslet


class _Watching(HangingMutant):
    """It knows the first atom of the last exec, and the syslet that ran last."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.first = 0
        self.latest = Syslet(0, 0, 0)

    def _exec(self, atom: int, head: int) -> int:
        self.first = atom
        return super()._exec(atom, head)

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        self.latest = syslet
        return super()._run(syslet, atoms)

    def is_new(self, syslet: Syslet) -> bool:
        """Whether the caller is about to run the first atom of it."""
        return not syslet.asynchronous and not syslet.last

    def blocks_in_caller(self, syslet: Syslet, pause: Pause) -> bool:
        """Whether the caller has just come to a call that blocks."""
        return pause is Pause.BLOCKED and not syslet.asynchronous


class _SeesFlags(Sees, HangingMutant):
    """It sees other flags in an atom than are there."""

    def seen(self, fields: tuple[int, ...]) -> tuple[int, ...]:
        flags, nr, *others = fields
        return (self.flags(flags, nr), nr, *others)

    def flags(self, flags: int, nr: int) -> int:  # noqa: ARG002
        """What it takes the flags of the atom fetched now for."""
        return flags


def _with_flags(syslet: Syslet, flags: int) -> None:
    syslet.fields = (flags, *syslet.fields[1:])


# -- exec.cached-returns-submitted ------------------------------------------------------


class ReturnsFinal(_Watching):
    """A cached chain gives the address of the atom at which it ended."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        return self.latest.last if word == atom else word


class ReturnsFinalAfterAStop(_Watching):
    """A cached chain that a stop ended, with a next to go to, gives its final atom."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        return self.latest.last if word == atom and self.latest.fields[3] else word


# -- exec.cachemiss-returns-null --------------------------------------------------------


class _OtherFlags(_Watching):
    """It has other flags in an atom whose call has blocked in the caller."""

    call = ""
    """The call of such an atom; without a name, any."""

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        if self.blocks_in_caller(syslet, pause) and self._has_the_call(syslet):
            _with_flags(syslet, self.flags(syslet))
        return pause

    def _has_the_call(self, syslet: Syslet) -> bool:
        return not self.call or syslet.fields[1] == self.syscall_number(self.call)

    def flags(self, syslet: Syslet) -> int:
        """Those that it has there: the caller waits for the call."""
        return syslet.fields[0] | Flag.SYNC


class BlocksInTheCaller(_OtherFlags):
    """Whatever blocks, the caller waits for it."""


class BlocksInTheCallerLater(_OtherFlags):
    """Only the call of the first atom goes on beside the caller."""

    def flags(self, syslet: Syslet) -> int:
        return syslet.fields[0] if syslet.atom == self.first else super().flags(syslet)


class WritesInTheCaller(_OtherFlags):
    """The caller waits for a write into a full pipe."""

    call = "write"


class SleepsInTheCaller(_OtherFlags):
    """The caller waits for a sleep."""

    call = "nanosleep"


class PollsInTheCaller(_OtherFlags):
    """The caller waits for a poll."""

    call = "poll"


class ReturnsTheBlockedAtom(_Watching):
    """A syslet that blocks in its first atom goes on beside the caller, who is given it."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        return atom if self.latest.blocked and not word and self.latest.last == atom else word


# -- exec.continues-alone ---------------------------------------------------------------


class SleepsUntilTheNextCall(HangingMutant):
    """What was woken goes on in the next exec or wait, and not before."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.calls = 0

    def _exec(self, atom: int, head: int) -> int:
        self.calls += 1
        try:
            return super()._exec(atom, head)
        finally:
            self.calls -= 1

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        self.calls += 1
        try:
            return super()._wait(min_events, user_ring_idx, head)
        finally:
            self.calls -= 1

    def _settle(self, *, caller_may_go_on: bool = True) -> None:
        if self.calls:
            super()._settle(caller_may_go_on=caller_may_go_on)


class SleepsAtASecondBlock(HangingMutant):
    """A syslet that blocks once more is not woken again."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.parked: set[int] = set()

    def _park(self, syslet: Syslet) -> None:
        if syslet.number not in self.parked:
            self.parked.add(syslet.number)
            super()._park(syslet)


class EndsWithItsThread(Mutant):
    """What is blocked is given up once the thread that submitted it has ended."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.submitted: list[tuple[threading.Thread, Syslet]] = []

    def _park(self, syslet: Syslet) -> None:
        super()._park(syslet)
        self.submitted.append((threading.current_thread(), syslet))

    def _enter(self) -> None:
        super()._enter()
        for thread, syslet in self.submitted:
            if syslet.blocked and syslet.blocked.on_wake and not thread.is_alive():
                syslet.blocked.on_wake = None
                self._heads[syslet.head].pending -= 1
                self._forget(syslet.head)


# -- exec.many-blocked ------------------------------------------------------------------


class Takes63(Mutant):
    """With 63 syslets pending an exec gives -EAGAIN."""

    def _exec(self, atom: int, head: int) -> int:
        state = self._heads.get(head)
        return -EAGAIN if state and state.pending >= 63 else super()._exec(atom, head)


class AsyncBehindTheBlocked(HangingMutant):
    """An ASYNC syslet starts when nothing is blocked any more."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.parked: set[int] = set()
        self.held: list[Syslet] = []

    def _park(self, syslet: Syslet) -> None:
        self.parked.add(syslet.number)
        super()._park(syslet)

    def _turn(self, syslet: Syslet, atoms: int) -> None:
        if self.parked and syslet.number not in self.parked:
            self.held.append(syslet)
            return
        self.parked.discard(syslet.number)
        super()._turn(syslet, atoms)
        if not self.parked:
            self._runnable += self.held
            self.held = []


# -- exec.async-flag --------------------------------------------------------------------


class IgnoresAsync(Mutant):
    """ASYNC is not seen."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["_ASYNC"] = 0


class IgnoresAsyncOnGetpid(_SeesFlags):
    """ASYNC is not seen on a call that is known not to block."""

    def flags(self, flags: int, nr: int) -> int:
        return flags & ~Flag.ASYNC if nr == self.syscall_number("getpid") else flags


class AsyncTriesInTheCaller(_Watching):
    """ASYNC is tried in the caller first: it counts where the call blocks, or has ended."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["_ASYNC"] = 0

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if word == atom and self.latest.fields[0] & Flag.ASYNC:
            self._post(self.latest)
            return atom
        return word


# -- exec.sync-flag ---------------------------------------------------------------------


class IgnoresSync(Mutant):
    """SYNC is not seen."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["_SYNC"] = 0


class SyncReturnsAtOnce(_Watching):
    """A SYNC atom that blocks goes on beside the caller, who is given the address."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["_SYNC"] = 0

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        return atom if not word and self.latest.fields[0] & Flag.SYNC else word


class SyncInTheFirstAtomAlone(_OtherFlags):
    """SYNC counts in the first atom, and in no other."""

    def flags(self, syslet: Syslet) -> int:
        flags = syslet.fields[0]
        return flags if syslet.atom == self.first else flags & ~Flag.SYNC


class SleepsInTheBackground(_OtherFlags):
    """A sleep goes on beside the caller, though it is SYNC."""

    call = "nanosleep"

    def flags(self, syslet: Syslet) -> int:
        return syslet.fields[0] & ~Flag.SYNC


class SyncPostsAnEntry(_Watching):
    """A syslet that ends at a SYNC atom is in the ring, too."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if word == atom and self.latest.fields[0] & Flag.SYNC:
            self._post(self.latest)
        return word


class SyncLeavesItPending(_Watching):
    """A SYNC syslet that blocked in the caller is pending for ever."""

    def _block_caller(self, syslet: Syslet) -> bool:
        self._heads.setdefault(syslet.head, HeadState()).pending += 1
        return super()._block_caller(syslet)


class _BesideSync(HangingMutant):
    """It knows how many callers are blocked in SYNC atoms."""

    blocking = 0

    def _block_caller(self, syslet: Syslet) -> bool:
        self.blocking += 1
        try:
            return super()._block_caller(syslet)
        finally:
            self.blocking -= 1
            self._changed.notify_all()


class SyncKeepsOthersOut(_BesideSync):
    """While a SYNC atom blocks its caller, exec waits for it in every other thread."""

    def _exec(self, atom: int, head: int) -> int:
        while self.blocking:
            self._changed.wait()
        return super()._exec(atom, head)


class SyncOneByOne(_BesideSync):
    """A SYNC atom that blocks waits first for the one that blocks another caller."""

    def _block_caller(self, syslet: Syslet) -> bool:
        while self.blocking:
            self._changed.wait()
        return super()._block_caller(syslet)


class SyncStopsTheBackground(_BesideSync):
    """While a SYNC atom blocks its caller, no asynchronous syslet runs."""

    def _settle(self, *, caller_may_go_on: bool = True) -> None:
        if not self.blocking:
            super()._settle(caller_may_go_on=caller_may_go_on)


# -- exec.cached-when-nothing-can-block -------------------------------------------------


class GoesAsyncAfterEightAtoms(Mutant):
    """A long syslet goes asynchronous, though nothing in it can block."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["TURN_ATOMS"] = 8

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        is_long = pause is Pause.TURN_OVER and not syslet.asynchronous
        return Pause.GOES_ASYNC if is_long else pause


class GoesAsyncWhileOthersArePending(_Watching):
    """With a syslet pending, the next one queues up behind it."""

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        if self.is_new(syslet) and syslet.head in self._heads:
            return Pause.GOES_ASYNC
        return super()._run(syslet, atoms)


class LooksAtCachedAtomsLater(Mutant):
    """The next wait looks at the first atom of what ran cached."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.remembered: dict[int, int] = {}

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if word == atom:
            self.remembered[head] = atom
        return word

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        atom = self.remembered.pop(head, 0)
        if atom and not self.memory.is_mapped(atom, self.abi.word_bytes):
            return -EFAULT
        return super()._wait(min_events, user_ring_idx, head)


# -- exec.cached-when-nothing-blocks ----------------------------------------------------


class ReadsGoAsync(_SeesFlags):
    """Every read goes asynchronous at once, whether there is data or not."""

    def flags(self, flags: int, nr: int) -> int:
        reads = nr == self.syscall_number("read") and not flags & Flag.SYNC
        return flags | Flag.ASYNC if reads else flags


class EmptyReadsGoAsync(_Watching):
    """A read at the end of a closed pipe counts as one that blocks."""

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        if syslet.asynchronous or pause is not Pause.ENDED:
            return pause
        reads = syslet.fields[1] == self.syscall_number("read")
        if reads and syslet.fields[2] and not self.memory.word(syslet.fields[2]):
            syslet.atom, syslet.last = self.first, 0
            return Pause.GOES_ASYNC
        return pause


# -- exec.one-outcome -------------------------------------------------------------------


class CachedPostsAnEntry(_Watching):
    """A cached syslet is in the ring, too."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if word == atom:
            self._post(self.latest)
        return word


class FaultTakesASlot(_Watching):
    """A syslet whose first atom cannot be read goes past a slot, and leaves NULL in it."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if word < 0:
            self._post(self.latest)
        return word


class FaultStaysPending(_Watching):
    """A syslet whose exec gave an error is pending for ever."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        if word < 0:
            self._heads.setdefault(head, HeadState()).pending += 1
        return word


class SilentReturnsItsAddress(_Watching):
    """A NO_COMPLETE syslet that went asynchronous gives its address, since no entry comes."""

    def _exec(self, atom: int, head: int) -> int:
        word = super()._exec(atom, head)
        return atom if not word and self.latest.fields[0] & Flag.NO_COMPLETE else word


class PostsWhereItWentAsync(_Watching):
    """A syslet that blocks once more after NULL is in the ring twice."""

    def _park(self, syslet: Syslet) -> None:
        if self.latest.last != self.first:
            self._post(syslet)
        super()._park(syslet)


# -- exec.flags-per-atom ----------------------------------------------------------------


class SyncSticks(_Watching):
    """After a SYNC atom that blocked, every later one counts as SYNC."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.stuck = 0

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        if self.blocks_in_caller(syslet, pause):
            if syslet.fields[0] & Flag.SYNC:
                self.stuck = syslet.number
            if self.stuck == syslet.number:
                _with_flags(syslet, syslet.fields[0] | Flag.SYNC)
        return pause


class SyncCountsFromTheStart(_Watching):
    """SYNC on a later atom keeps those before it in the caller."""

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        pause = super()._run(syslet, atoms)
        following = syslet.fields[3] if syslet.fields else 0
        if self.blocks_in_caller(syslet, pause) and following:
            later = decode_atom(self.abi, self.memory.read(following, self.abi.atom_size))
            _with_flags(syslet, syslet.fields[0] | later.flags & Flag.SYNC)
        return pause


class _LooksAhead(_Watching):
    """It knows of an ASYNC atom before it is reached."""

    def leads_to_async(self, atom: int) -> bool:
        """Whether one of the first atoms, along next, is ASYNC."""
        for _ in range(8):
            if not self.memory.is_mapped(atom, self.abi.atom_size):
                return False
            fields = decode_atom(self.abi, self.memory.read(atom, self.abi.atom_size))
            if fields.flags & Flag.ASYNC:
                return True
            atom = fields.next
        return False


class AsyncCountsFromTheStart(_LooksAhead):
    """An ASYNC atom anywhere along next makes the whole syslet asynchronous."""

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        if self.is_new(syslet) and self.leads_to_async(syslet.atom):
            return Pause.GOES_ASYNC
        return super()._run(syslet, atoms)


class RunsAheadOfAsyncLater(_LooksAhead):
    """What comes before an ASYNC atom runs beside the caller, a few calls later."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.late: dict[int, int] = {}

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        if self.is_new(syslet) and self.reaches_async(syslet.atom):
            self.late[syslet.number] = 8
            return Pause.GOES_ASYNC
        return super()._run(syslet, atoms)

    def reaches_async(self, atom: int) -> bool:
        """Whether there is one that no stop flag can keep it from."""
        fields = decode_atom(self.abi, self.memory.read(atom, self.abi.atom_size)) if atom else None
        return fields is not None and not fields.flags and self.leads_to_async(atom)

    def _turn(self, syslet: Syslet, atoms: int) -> None:
        left = self.late.get(syslet.number, 0)
        if left:
            self.late[syslet.number] = left - 1
            self._runnable.append(syslet)
        else:
            super()._turn(syslet, atoms)


class AsyncInTheFirstAtomAlone(_SeesFlags):
    """ASYNC counts in the first atom, and in no other."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.fetched = 0

    def _exec(self, atom: int, head: int) -> int:
        self.fetched = 0
        return super()._exec(atom, head)

    def flags(self, flags: int, nr: int) -> int:  # noqa: ARG002
        self.fetched += 1
        return flags if self.fetched == 1 else flags & ~Flag.ASYNC


class AsyncAsItWasAtFirst(_Watching):
    """The second atom is ASYNC where it was when the syslet was submitted."""

    def _exec(self, atom: int, head: int) -> int:
        self.was_async: int | None = None
        size = self.abi.atom_size
        if self.memory.is_mapped(atom, size):
            second = decode_atom(self.abi, self.memory.read(atom, size)).next
            if self.memory.is_mapped(second, size):
                flags = decode_atom(self.abi, self.memory.read(second, size)).flags
                self.was_async = second if flags & Flag.ASYNC else None
        word = super()._exec(atom, head)
        if word == atom and self.was_async is not None and self.latest.last == self.was_async:
            self._post(self.latest)
            return 0
        return word


# -- exec.no-reentry --------------------------------------------------------------------


class _CallsItself(HangingMutant):
    """The engine's own calls can be named by an atom."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        for name, call in (("async_exec", self.inner_exec), ("async_wait", self.inner_wait)):
            nr = self.syscall_number(name)
            assert nr is not None
            self.kernel.calls[nr] = call

    def inner_exec(self, args: Sequence[int]) -> int:  # noqa: ARG002
        """What an atom that names exec gets."""
        return -EINVAL

    def inner_wait(self, args: Sequence[int]) -> int:  # noqa: ARG002
        """What an atom that names wait gets."""
        return -EINVAL


class ExecFromAnAtom(_CallsItself):
    """An atom that names exec executes another syslet."""

    def inner_exec(self, args: Sequence[int]) -> int:
        return self.abi.signed(self.exec(args[0], args[1]))


class ExecFromAnAtomRunsAndFails(_CallsItself):
    """An atom that names exec gets an error, and what it names has been started."""

    def inner_exec(self, args: Sequence[int]) -> int:
        flags = decode_atom(self.abi, self.memory.read(args[0], self.abi.atom_size)).flags
        if flags & Flag.ASYNC:
            self.exec(args[0], args[1])
        return -EINVAL


class WaitFromAnAtom(_CallsItself):
    """An atom that names wait waits."""

    def inner_wait(self, args: Sequence[int]) -> int:
        return self.abi.signed(self.wait(args[0], args[1], args[2]))


class WaitFromAnAtomGives0(_CallsItself):
    """An atom that names wait is told that all is well."""

    def inner_wait(self, args: Sequence[int]) -> int:  # noqa: ARG002
        return 0


CAUGHT_SHOULD: dict[str, tuple[str, ...]] = {
    "ReadsGoAsync": ("exec.cached-when-nothing-blocks",),
    "EmptyReadsGoAsync": ("exec.cached-when-nothing-blocks",),
}
"""A SHOULD that is missed is reported, and does not fail the engine."""

CAUGHT: dict[str, tuple[str, ...]] = {
    "ReturnsFinal": ("exec.cached-returns-submitted",),
    "ReturnsFinalAfterAStop": ("exec.cached-returns-submitted",),
    "BlocksInTheCaller": ("exec.cachemiss-returns-null",),
    "BlocksInTheCallerLater": ("exec.cachemiss-returns-null",),
    "WritesInTheCaller": ("exec.cachemiss-returns-null",),
    "SleepsInTheCaller": ("exec.cachemiss-returns-null",),
    "PollsInTheCaller": ("exec.cachemiss-returns-null",),
    "ReturnsTheBlockedAtom": ("exec.cachemiss-returns-null",),
    "SleepsUntilTheNextCall": ("exec.continues-alone",),
    "SleepsAtASecondBlock": ("exec.continues-alone",),
    "EndsWithItsThread": ("exec.continues-alone",),
    "Takes63": ("exec.many-blocked",),
    "AsyncBehindTheBlocked": ("exec.many-blocked",),
    "IgnoresAsync": ("exec.async-flag",),
    "IgnoresAsyncOnGetpid": ("exec.async-flag",),
    "AsyncTriesInTheCaller": ("exec.async-flag",),
    "IgnoresSync": ("exec.sync-flag",),
    "SyncReturnsAtOnce": ("exec.sync-flag",),
    "SyncKeepsOthersOut": ("exec.sync-flag", "exec.many-blocked"),
    "SyncOneByOne": ("exec.sync-flag", "exec.many-blocked"),
    "SyncStopsTheBackground": ("exec.sync-flag", "exec.continues-alone"),
    "SyncInTheFirstAtomAlone": ("exec.sync-flag", "exec.flags-per-atom"),
    "SleepsInTheBackground": ("exec.sync-flag",),
    "SyncPostsAnEntry": ("exec.sync-flag",),
    "SyncLeavesItPending": ("exec.sync-flag",),
    "GoesAsyncAfterEightAtoms": ("exec.cached-when-nothing-can-block",),
    "GoesAsyncWhileOthersArePending": ("exec.cached-when-nothing-can-block",),
    "LooksAtCachedAtomsLater": ("exec.cached-when-nothing-can-block",),
    "CachedPostsAnEntry": ("exec.one-outcome",),
    "FaultTakesASlot": ("exec.one-outcome",),
    "FaultStaysPending": ("exec.one-outcome",),
    "SilentReturnsItsAddress": ("exec.one-outcome",),
    "PostsWhereItWentAsync": ("exec.one-outcome",),
    "SyncSticks": ("exec.flags-per-atom",),
    "SyncCountsFromTheStart": ("exec.flags-per-atom",),
    "AsyncCountsFromTheStart": ("exec.flags-per-atom",),
    "RunsAheadOfAsyncLater": ("exec.flags-per-atom",),
    "AsyncInTheFirstAtomAlone": ("exec.flags-per-atom", "exec.async-flag"),
    "AsyncAsItWasAtFirst": ("exec.flags-per-atom",),
    "ExecFromAnAtom": ("exec.no-reentry",),
    "ExecFromAnAtomRunsAndFails": ("exec.no-reentry",),
    "WaitFromAnAtom": ("exec.no-reentry",),
    "WaitFromAnAtomGives0": ("exec.no-reentry",),
    **CAUGHT_SHOULD,
}
"""Each engine, and the requirements whose tests must catch it."""
