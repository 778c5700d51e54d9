"""The filter of system calls: assembled from the tables of `allowed`, and installed.

A call that is refused raises SIGSYS, which ends the process unless `refusal` names it first.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence

from syslet_conformance.fuzz.allowed import OWN_PID, Row, Where
from syslet_conformance.fuzz.call_names import I386, NEWER, X86_64
from syslet_conformance.fuzz.libc import call, must

__all__ = ["AUDIT_X86_64", "allowed_count", "filter_of", "install", "why_not"]

UNKNOWN = 0x7000_0000
"""Numbers from here on are no call of any kernel."""

X32 = 0x4000_0000
"""From here up to `UNKNOWN`: the calls of x32, which have no table."""

AUDIT_X86_64, AUDIT_I386 = 0xC000_003E, 0x4000_0003

# what the filter answers (linux/seccomp.h)
KILL, TRAP, ERROR, ALLOW = 0x8000_0000, 0x0003_0000, 0x0005_0000, 0x7FFF_0000

# instructions (linux/bpf_common.h), and where the filter finds what it looks at
LOAD, AND, IF_EQUAL, IF_AT_LEAST, GO, ANSWER = 0x20, 0x54, 0x15, 0x35, 0x05, 0x06
NUMBER, MACHINE, ARGUMENTS = 0, 4, 16

SET_FILTER, HAS_ANSWER = 1, 2
"""Operations of the call seccomp."""

Code = list[tuple[int, int, int, int]]
"""Instructions: (code, steps where it holds, steps where it does not, value)."""


def why_not() -> str:
    """What is missing for a filter here, or the empty string."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or sys.maxsize < 1 << 32:
        return f"no seccomp: the tables are for x86-64 Linux, this is {platform.machine()}"
    word = ctypes.c_uint32(TRAP)
    got = call(X86_64["seccomp"], HAS_ANSWER, 0, ctypes.addressof(word))
    return f"no seccomp: {os.strerror(-got)}" if got < 0 else ""


def filter_of(rows: Iterable[Row], *, i386: bool, own_pid: int) -> bytes:
    """The filter's instructions, 8 bytes each. `i386`: with the calls of 32-bit programs."""
    rows = list(rows)
    code: Code = [(LOAD, 0, 0, MACHINE)]
    code += _of_machine(AUDIT_X86_64, _calls(rows, X86_64, own_pid))
    if i386:
        code += _of_machine(AUDIT_I386, _calls(rows, I386, own_pid))
    code += _answer(KILL)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def allowed_count(rows: Iterable[Row]) -> int:
    """How many calls of x86-64 the rows allow."""
    return sum(name in X86_64 for row in rows if not row.error for name in row.names)


def install(code: bytes) -> None:
    """Every call of this thread, and of those it starts, passes the filter from now on.

    SysletError where the kernel does not take it.
    """
    held = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(
        struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    )
    got = call(X86_64["seccomp"], SET_FILTER, 0, ctypes.addressof(program))
    must("no seccomp", got)


def _of_machine(machine: int, calls: Code) -> Code:
    """What is done for one machine's calls; those of another one go on behind it."""
    return [(IF_EQUAL, 1, 0, machine), (GO, 0, 0, len(calls)), *calls]


def _calls(rows: Iterable[Row], numbers: Mapping[str, int], own_pid: int) -> Code:
    code: Code = [(LOAD, 0, 0, NUMBER)]
    code += [(IF_AT_LEAST, 0, 1, UNKNOWN), *_answer(ERROR | errno.ENOSYS)]
    code += [(IF_AT_LEAST, 0, 1, X32), *_answer(KILL)]
    code += [(IF_AT_LEAST, 0, 1, NEWER), *_answer(ERROR | errno.ENOSYS)]
    for row in rows:
        body = _body(row, own_pid)
        for name in row.names:
            if name in numbers:
                code += [(IF_EQUAL, 0, len(body), numbers[name]), *body]
    return code + _answer(TRAP)


def _body(row: Row, own_pid: int) -> Code:
    """What is done for a call of the row; it does not go on behind it."""
    if row.error:
        return _answer(ERROR | row.error)
    body = [*_answer(ALLOW), *_answer(TRAP)]
    for where in reversed(row.where):
        for half in reversed(range(2)):
            body = _check(where, half, own_pid, body)
    return body


def _check(where: Where, half: int, own_pid: int, rest: Code) -> Code:
    """Go on with the `rest` where this half of the argument is right; its last one refuses."""
    mask = where.mask >> 32 * half & 0xFFFF_FFFF
    if not mask:
        return rest
    values = [own_pid if value == OWN_PID else value for value in where.values]
    halves = sorted({value >> 32 * half & 0xFFFF_FFFF for value in values})
    load = [(LOAD, 0, 0, ARGUMENTS + 8 * where.argument + 4 * half), (AND, 0, 0, mask)]
    return [*load, *_one_of(halves, len(rest) - 1), *rest]


def _one_of(values: Sequence[int], to_refusal: int) -> Code:
    """Go on where it is one of the values, else so many steps further."""
    last = len(values) - 1
    return [
        (IF_EQUAL, last - i, to_refusal if i == last else 0, value)
        for i, value in enumerate(values)
    ]


def _answer(action: int) -> Code:
    return [(ANSWER, 0, 0, action)]
