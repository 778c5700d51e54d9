"""The reference engine with one thing broken: what a fuzzer has to find.

Each is a backend, ``python:fuzz_python_mutants:NAME``. They put no other rule into a module, as
some of `mutants` do: the fuzzer asks the reference in the same process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mutants.arguments import (
    RUN,
    FetchesAWordBehindNull,
    KeepsArgumentsWhileBlocked,
    RemembersVariables,
)
from mutants.chaining import KeepsAtomsThatItRan
from mutants.engine import Mutant
from mutants.rewritten import rewritten
from mutants.ring import OneRingForAll

from syslet_layouts import Abi, Flag
from syslet_reference import ring
from syslet_reference.syslet import Syslet

CAUGHT: dict[str, tuple[str, ...]] = {
    FetchesAWordBehindNull.__name__: ("arg.packed-atom",),
    RemembersVariables.__name__: ("arg.shared-variable",),
    KeepsArgumentsWhileBlocked.__name__: ("arg.by-pointer",),
    KeepsAtomsThatItRan.__name__: ("chain.fetched-on-the-fly",),
    "NonPositiveLeavesOutZero": ("chain.stop-table",),
    "UmemAddGivesMoreThanAWord": ("chain.stop-table",),
    "SharedTailRunsTwice": ("chain.any-graph",),
    OneRingForAll.__name__: ("ring.per-exec",),
    "MovesTheIndexAtALoss": ("ring.kernel-index", "ring.recovers"),
    "OneFewerOfSeveral": ("wait.not-earlier",),
    "CountsFromTheDescriptor": ("wait.counts-from-user-index",),
}
"""Each mutant, and the requirements whose tests must catch it."""


class NonPositiveLeavesOutZero(Mutant):
    """STOP_ON_NON_POSITIVE does not stop on 0."""

    def stop_flags(self, flags: int, result: int) -> int:
        """Those that it sees."""
        return flags if result else flags & ~Flag.STOP_ON_NON_POSITIVE

    _run = rewritten(RUN, ("stops(flags, result)", "stops(self.stop_flags(flags, result), result)"))


class UmemAddGivesMoreThanAWord(Mutant):
    """The sum that the stop flags see is not cut to the word, and so never negative."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        number = self.kernel.number("umem_add")
        assert number is not None
        right = self.kernel.calls[number]

        def add(args: Sequence[int]) -> Any:
            if not self.memory.is_mapped(args[0], abi.word_bytes):
                return right(args)
            before = self.memory.word(args[0])
            right(args)
            return before + args[1]

        self.kernel.calls[number] = add


class SharedTailRunsTwice(Mutant):
    """The call of an atom that a second atom before it leads to, in one exec, is made twice."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.led: dict[int, int] = {}
        self.is_shared = False

    def lead(self, address: int, following: int) -> int:
        """Where it goes on; noted where another atom has led there before."""
        by = self.led.setdefault(following, address)
        self.is_shared = by != address < following
        return following

    def called(self, call: Callable[[list[int]], Any], args: list[int]) -> Any:
        """What the call gives, or gives the second time."""
        if self.is_shared:
            call(args)
        return call(args)

    def _exec(self, atom: int, head: int) -> int:
        self.led.clear()
        self.is_shared = False
        return super()._exec(atom, head)

    _run = rewritten(
        RUN,
        ("else call(args)", "else self.called(call, args)"),
        ("address = following", "address = self.lead(address, following)"),
    )


class MovesTheIndexAtALoss(Mutant):
    """The slot that an event did not fit into is passed over."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        index, error = super()._post(syslet)
        head, _ = self._descriptor(syslet.head)
        if error and head is not None:
            slots = head.ring_size_bytes // self.abi.word_bytes
            at = syslet.head + self.abi.head_offsets["kernel_ring_idx"]
            self.memory.set_word(at, ring.next_index(head.kernel_ring_idx, slots))
        return index, error


class OneFewerOfSeveral(Mutant):
    """With more than one syslet pending, a wait for several returns an event early."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        state = self._heads.get(head)
        is_early = min_events > 1 and state is not None and state.pending > 1
        return super()._wait(min_events - is_early, user_ring_idx, head)


class CountsFromTheDescriptor(Mutant):
    """Wait counts from the index in the descriptor, not from that which is passed."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        fields, _ = self._descriptor(head)
        if fields is not None:
            slots = fields.ring_size_bytes // self.abi.word_bytes
            user_ring_idx = fields.user_ring_idx % slots
        return super()._wait(min_events, user_ring_idx, head)
