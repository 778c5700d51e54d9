"""What a process gives up besides calls and files: privileges, and more of the machine."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from pathlib import Path

from syslet_conformance.fuzz.call_names import X86_64
from syslet_conformance.fuzz.libc import LIBC, call, must
from syslet_layouts import SysletError

__all__ = [
    "DESCRIPTORS",
    "FILE_BYTES",
    "MEMORY_BYTES",
    "TASKS",
    "bound",
    "die_with_parent",
    "give_up",
]

MEMORY_BYTES = 8 << 30
"""Of addresses, not of memory in use: a JavaScript engine reserves far more than it uses."""

FILE_BYTES = 1 << 20
"""How long a file may become, one in memory too. Pipes and sockets are none."""

DESCRIPTORS = 512
TASKS = 2048
"""How many processes and threads there may be more than when it was confined."""

NO_NEW_PRIVS, DEATH_SIGNAL, DUMPABLE = 38, 1, 4
"""Options of prctl."""

CAPABILITIES_V3 = 0x2008_0522
"""The version in the header of capset."""

SIGKILL = 9


def give_up() -> None:
    """Programs give no privileges any more, what root has of them is gone, and no one looks in.

    SysletError.
    """
    _prctl(NO_NEW_PRIVS, 1)
    header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITIES_V3, 0), 8)
    none = ctypes.create_string_buffer(24)
    capset = call(X86_64["capset"], ctypes.addressof(header), ctypes.addressof(none))
    must("no capset", capset)
    _prctl(DUMPABLE, 0)


def die_with_parent(parent: int) -> None:
    """SIGKILL comes when the thread ends that started this process.

    `parent` is its process id, since it may have ended by now. SysletError.
    """
    _prctl(DEATH_SIGNAL, SIGKILL)
    if os.getppid() != parent:
        raise SysletError("the process that started this one has ended")


def bound(cpu_s: int) -> None:
    """Bound what this process and those that it starts may have; each has `cpu_s` of its own."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NOFILE: DESCRIPTORS,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_NPROC: _tasks() + TASKS,
    }
    for limit, wanted in limits.items():
        _lower(limit, wanted, wanted)
    _lower(resource.RLIMIT_CPU, cpu_s, cpu_s + 1)  # SIGXCPU, and SIGKILL where that is of no use


def _lower(limit: int, *wanted: int) -> None:
    """Set the soft and the hard limit, as far as the hard one of now lets them be."""
    hard = resource.getrlimit(limit)[1]
    unbounded = hard == resource.RLIM_INFINITY
    soft, hard = wanted if unbounded else (min(value, hard) for value in wanted)
    resource.setrlimit(limit, (soft, hard))


def _tasks() -> int:
    """How many the machine runs now, of whichever user; it counts against the limit of one."""
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])


def _prctl(option: int, value: int) -> None:
    if LIBC.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))):
        raise SysletError(f"prctl {option}: {os.strerror(ctypes.get_errno())}")
