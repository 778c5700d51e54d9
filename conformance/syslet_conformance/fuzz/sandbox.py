"""A process that is about to run random syslets against real system calls confines itself.

It takes three means: a list of allowed calls (`seccomp`), Landlock for files, and limits. What
each keeps off, and what none does, is in ``docs/fuzzing-safety.md``.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from syslet_conformance.fuzz import landlock, limits, seccomp
from syslet_conformance.fuzz.allowed import IN_PROCESS, PROGRAMS, SIGNALS
from syslet_conformance.fuzz.refusal import REFUSED_EXIT, name_refused_calls, refused
from syslet_layouts import SysletError

__all__ = ["CPU_S", "REFUSED_EXIT", "Sandbox", "confine", "refused", "why_not"]

CPU_S = 60
"""How many seconds of the processor each process has, unless the caller says otherwise."""

THREAD_GOES_S = 1.0
"""So long may the kernel still count a thread that has ended."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What holds in this process: `str` says it in one line."""

    directory: Path
    programs: bool
    calls: int
    """How many calls of x86-64 are allowed."""
    landlock: int
    """The version that guards files."""
    names_refused: bool
    """Whether a refused call is named; otherwise the process only dies of SIGSYS."""
    cpu_s: int

    def __str__(self) -> str:
        outside = "may be sent" if self.programs and not self.guards_signals else "none"
        writes = "in an empty directory" if self.programs else "none"
        parts = [
            f"{self.calls} calls for {'programs' if self.programs else 'an engine in the process'}",
            f"Landlock {self.landlock}: writing {writes}, signals outside {outside}",
            f"{self.cpu_s} s of CPU, {limits.MEMORY_BYTES >> 30} GiB of addresses,"
            f" {limits.DESCRIPTORS} descriptors, files of {limits.FILE_BYTES >> 20} MiB",
        ]
        if os.getuid() == 0:
            parts.append("tasks not bounded, since it is root's")
        return f"sandbox: {'; '.join(parts)}"

    @property
    def guards_signals(self) -> bool:
        """Whether Landlock keeps signals inside."""
        return self.landlock >= landlock.SIGNALS_SINCE


def why_not() -> str:
    """What this machine lacks for it, in one line; the empty string where all is there."""
    return seccomp.why_not() or landlock.why_not()


def confine(directory: Path, *, programs: bool, cpu_s: int = CPU_S) -> Sandbox:
    """Confine this process for good; `directory`, which must be empty, is where it then is.

    `programs`: it may start programs, and they may write in the directory. SysletError, in one
    line, where something is missing, with nothing confined yet; where it comes later, the process
    is of no use any more. Python writes no bytecode from now on, which would be refused.
    """
    parent = os.getppid()
    missing = why_not() or _unfit(directory)
    if missing:
        raise SysletError(missing)
    directory = directory.resolve()
    try:
        os.chdir(directory)
    except OSError as error:
        raise SysletError(f"{directory}: {error.strerror}") from None
    sys.dont_write_bytecode = True
    limits.bound(cpu_s)
    limits.give_up()
    limits.die_with_parent(parent)
    guarded_by = landlock.confine_files(directory, writable=programs)
    rows = PROGRAMS if programs else IN_PROCESS
    if programs and guarded_by >= landlock.SIGNALS_SINCE:
        rows += SIGNALS
    names_refused = name_refused_calls()
    seccomp.install(seccomp.filter_of(rows, i386=programs, own_pid=os.getpid()))
    calls = seccomp.allowed_count(rows)
    return Sandbox(directory, programs, calls, guarded_by, names_refused, cpu_s)


def _unfit(directory: Path) -> str:
    """Why this process cannot confine itself to it, or the empty string."""
    try:
        if os.listdir(directory):
            return f"{directory}: not empty"
        threads = _threads()
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    if threads > 1:
        return f"{threads} threads: Landlock confines one, and those it starts"
    return ""


def _threads() -> int:
    """How many there are. One that Python has joined is given time to go; nothing tells when."""
    until = time.monotonic() + THREAD_GOES_S
    while (threads := len(os.listdir("/proc/self/task"))) > threading.active_count():
        if time.monotonic() > until:
            break
        time.sleep(THREAD_GOES_S / 1000)
    return threads
