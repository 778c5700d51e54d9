"""Engines that are wrong on purpose, as ``python:`` backends: each breaks one thing."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.contract import Description
from syslet_conformance.smoke import HEAD, RING
from syslet_layouts import Abi, Flag
from syslet_reference import stops
from syslet_reference.blocking import Blocked
from syslet_reference.syslet import Pause, Syslet

ABIS = ("ilp32-le",)
PAGE_BYTES = 4096


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


class InterruptsTheRun(EmbeddedEngine):
    """At its first exec the run is interrupted, as by Ctrl-C, and goes no further."""

    abis = ABIS

    def exec(self, atom: int, head: int) -> int:
        os.kill(os.getppid(), signal.SIGINT)
        threading.Event().wait()
        return super().exec(atom, head)


class WaitsForNothing(EmbeddedEngine):
    """Its wait returns at once, whatever is pending."""

    abis = ABIS

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        return super().wait(min(min_events, 0), user_ring_idx, head)


class ForgetsToPost(EmbeddedEngine):
    """What it completes is not in the ring of `smoke`: the slot is empty again."""

    abis = ABIS

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        returned = super().wait(min_events, user_ring_idx, head)
        self.write(head - HEAD + RING, bytes(self.abi.word_bytes))
        return returned


class EndsInExec(EmbeddedEngine):
    """It ends its process as if all were well."""

    abis = ABIS

    def exec(self, atom: int, head: int) -> int:
        os._exit(0)
        return super().exec(atom, head)


class TellsAgain(EmbeddedEngine):
    """A wait that failed is told of again, to the next syslet on a descriptor placed alike."""

    abis = ABIS

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.owed: set[int] = set()

    def exec(self, atom: int, head: int) -> int:
        place = head % PAGE_BYTES
        if place in self.owed:
            self.owed.remove(place)
            return -errno.EFAULT & self.abi.word_mask
        return super().exec(atom, head)

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        returned = super().wait(min_events, user_ring_idx, head)
        if self.abi.signed(returned) < 0:
            self.owed.add(head % PAGE_BYTES)
        return returned


class LacksUmemAdd(EmbeddedEngine):
    """It has no number for umem_add."""

    abis = ABIS

    def syscall_number(self, name: str) -> int | None:
        return None if name == "umem_add" else super().syscall_number(name)


class LacksPipes(EmbeddedEngine):
    """It says that it has no pipes."""

    abis = ABIS

    def describe(self) -> Description:
        return Description("no pipes", "1", lacks=frozenset({"pipe"}))


class LacksThreads(EmbeddedEngine):
    """It says that it answers nothing while a call is outstanding."""

    abis = ABIS

    def describe(self) -> Description:
        return Description("no threads", "1", lacks=frozenset({"threads"}))


class StopsOnZeroToo(EmbeddedEngine):
    """STOP_ON_NEGATIVE stops on 0 as well."""

    abis = ABIS

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("syslet_reference.engine.stops", _stops_on_zero_too)
            return super()._run(syslet, atoms)


def _stops_on_zero_too(flags: int, result: int) -> bool:
    return stops(flags, result) or bool(flags & Flag.STOP_ON_NEGATIVE and not result)


class AbortsOnSkips(EmbeddedEngine):
    """It takes its process with it where the first atom has SKIP_TO_NEXT_ON_STOP."""

    abis = ABIS

    def exec(self, atom: int, head: int) -> int:
        flags = self.memory.read(atom, 1) if self.memory.is_mapped(atom, 1) else b"\0"
        if flags[0] & Flag.SKIP_TO_NEXT_ON_STOP:
            self.end()
        return super().exec(atom, head)

    def end(self) -> None:
        """End."""
        os.abort()


class AbortsOnFaults(EmbeddedEngine):
    """It takes its process with it where a syslet faults that is asynchronous."""

    abis = ABIS

    def _faulted(self, syslet: Syslet, address: int) -> Pause:
        if syslet.asynchronous:
            os.abort()
        return super()._faulted(syslet, address)


class UsesStandardStreams(EmbeddedEngine):
    """It reads standard input, which is empty, and writes to standard output."""

    abis = ABIS

    def exec(self, atom: int, head: int) -> int:
        assert os.read(0, 1) == b""
        os.write(1, b"noise\n")
        return super().exec(atom, head)


class AbortsOnReads(EmbeddedEngine):
    """Others go on behind each call; a read of one of `descriptors` ends the process."""

    abis = ABIS
    descriptors = range(1, 1 << 16)

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        for name in ("read", "write"):
            number = self.kernel.number(name)
            assert number is not None
            self.kernel.calls[number] = partial(self._made, name, self.kernel.calls[number])

    def _made(self, name: str, call: Callable[[Sequence[int]], Any], args: Sequence[int]) -> Any:
        if name == "read" and args[0] in self.descriptors:
            os.abort()
        result = call(args)
        if not isinstance(result, Blocked):
            self._settle()
        return result


class AbortsOnReadsOf0(AbortsOnReads):
    """The same for descriptor 0 alone."""

    descriptors = range(1)


class HangsOnSkips(AbortsOnSkips):
    """It does not return there."""

    def end(self) -> None:
        """End."""
        threading.Event().wait()


class OpensAFile(EmbeddedEngine):
    """It makes a directory where the first atom has SKIP_TO_NEXT_ON_STOP."""

    abis = ABIS

    def exec(self, atom: int, head: int) -> int:
        flags = self.memory.read(atom, 1) if self.memory.is_mapped(atom, 1) else b"\0"
        if flags[0] & Flag.SKIP_TO_NEXT_ON_STOP:
            os.mkdir("made")
        return super().exec(atom, head)
