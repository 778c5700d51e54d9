"""Engines that are wrong on purpose, as ``python:`` backends: each breaks one thing."""

from __future__ import annotations

import os
import threading

import syslet_reference.engine as shell
from syslet_conformance.backends import EmbeddedEngine
from syslet_layouts import Abi
from syslet_reference.semantics import stops, successor
from syslet_reference.syslet import Syslet

ABIS = ("ilp32-le",)


class Correct(EmbeddedEngine):
    """Nothing is wrong with it."""

    abis = ABIS


class DiesInExec(EmbeddedEngine):
    """It takes its process with it."""

    abis = ABIS

    def exec(self, atom: int, head: int) -> int:
        os.abort()
        return super().exec(atom, head)


class HangsInExec(EmbeddedEngine):
    """Exec never returns."""

    abis = ABIS

    def exec(self, atom: int, head: int) -> int:
        threading.Event().wait()
        return super().exec(atom, head)


class EndsInExec(EmbeddedEngine):
    """It ends its process as if all were well."""

    abis = ABIS

    def exec(self, atom: int, head: int) -> int:
        os._exit(0)
        return super().exec(atom, head)


class LacksUmemAdd(EmbeddedEngine):
    """It has no number for umem_add."""

    abis = ABIS

    def syscall_number(self, name: str) -> int | None:
        return None if name == "umem_add" else super().syscall_number(name)


class _WithRules(EmbeddedEngine):
    """A reference with another pure rule: it is put in place while this engine runs."""

    abis = ABIS


def _short_stride(
    flags: int, stopped: bool, atom: int, next: int, atom_size: int, word_mask: int
) -> int | None:
    return successor(flags, stopped, atom, next, atom_size - 4, word_mask)


class StrideOffByAWord(_WithRules):
    """Skip goes a word too short."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["successor"] = _short_stride


def _never_on_negative(flags: int, result: int) -> bool:
    return stops(flags & ~0x20, result)


class NoStopOnNegative(_WithRules):
    """STOP_ON_NEGATIVE is not seen."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["stops"] = _never_on_negative


class FetchesFive(_WithRules):
    """The sixth argument pointer is not looked at."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["ARGUMENTS"] = 5


class Overwrites(_WithRules):
    """A slot that is taken is overwritten."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        head, _ = self._descriptor(syslet.head)
        if head is not None:
            slot = head.completion_ring + head.kernel_ring_idx * self.abi.word_bytes
            self.memory.set_word(slot, 0)
        return super()._post(syslet)


class PostsTwice(_WithRules):
    """Each event comes twice."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        super()._post(syslet)
        return super()._post(syslet)


class WaitReturnsEarly(_WithRules):
    """Wait does not wait."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:  # noqa: ARG002
        return super()._wait(0, user_ring_idx, head)


class FullRingIsEmpty(_WithRules):
    """Wait counts nothing where both indices are equal."""

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        fields, _ = self._descriptor(head)
        if fields is not None and fields.kernel_ring_idx == user_ring_idx and min_events:
            min_events = 1 << 20
        return super()._wait(min_events, user_ring_idx, head)


MUTANTS = {
    "NoStopOnNegative": "chain.stop-table",
    "StrideOffByAWord": "skip.stride",
    "FetchesFive": "arg.all-six",
    "Overwrites": "ring.never-overwrites",
    "PostsTwice": "ring.exactly-once",
    "WaitReturnsEarly": "wait.not-earlier",
    "FullRingIsEmpty": "wait.full-ring",
}
"""Each mutant, and a requirement whose tests must catch it."""
