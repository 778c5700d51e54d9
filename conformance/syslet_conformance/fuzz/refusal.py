"""What a process says when a system call of its is refused, and how its parent reads that.

The filter answers such a call with SIGSYS. Where the signal reaches a handler, that writes a line
``refused: NAME (NUMBER)`` to descriptor 2 and ends the process with `REFUSED_EXIT`. The handler is
machine code: it needs no lock and no interpreter, whichever thread it runs in. A thread that holds
signals back, or a program that was started, dies of SIGSYS without a line.
"""

from __future__ import annotations

import ctypes
import mmap
import re
import signal
import struct

from syslet_conformance.fuzz.call_names import NEWER, X86_64, name_of
from syslet_conformance.fuzz.libc import LIBC
from syslet_conformance.fuzz.seccomp import AUDIT_X86_64

__all__ = ["REFUSED_EXIT", "name_refused_calls", "refused"]

REFUSED_EXIT = 97
"""The exit status of a process whose call was refused."""

NAMELESS = "a call"
LINE = re.compile(rf"^refused: ({NAMELESS}$|\w+(?= \(\d+\)$))", re.MULTILINE)

ROW_BYTES = 64
"""A line and, in its last byte, its length."""

SA_SIGINFO = 4


class SigAction(ctypes.Structure):
    """``struct sigaction`` of the C library on x86-64."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ubyte * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


def refused(status: int, said: str) -> str:
    """The name of the call that was refused, or "a call" where nobody named it.

    `status` is as `subprocess` gives it, `said` what came from descriptor 2. The empty string
    where the process ended otherwise.
    """
    line = LINE.search(said)
    if status == REFUSED_EXIT and line:
        return line[1]
    return NAMELESS if status == -signal.SIGSYS else ""


def name_refused_calls() -> bool:
    """Install the handler. False where memory with code in it is not to be had."""
    content = _CODE + b"".join(map(_row, range(NEWER + 1)))
    memory = mmap.mmap(-1, len(content), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(content)
    held = ctypes.c_char.from_buffer(memory)
    at = ctypes.addressof(held)
    size, rights = ctypes.c_size_t(len(memory)), mmap.PROT_READ | mmap.PROT_EXEC
    if LIBC.mprotect(ctypes.c_void_p(at), size, rights):
        return False
    _kept.append(held)
    action = SigAction(handler=at, flags=SA_SIGINFO)
    return not LIBC.sigaction(int(signal.SIGSYS), ctypes.byref(action), None)


_kept: list[object] = []
"""The memory of the handler, for as long as the process lives."""


def _row(number: int) -> bytes:
    """The line for a number of x86-64; for `NEWER`, that for a call of another machine."""
    what = NAMELESS if number == NEWER else f"{name_of(number)} ({number})"
    line = f"refused: {what}\n".encode()
    return line.ljust(ROW_BYTES - 1, b"\0") + bytes([len(line)])


def _word(value: int) -> bytes:
    return struct.pack("<I", value)


_FIND = (
    b"\x8b\x46\x18",  # mov eax, [rsi + 24]: the number, in siginfo
    b"\x81\x7e\x1c" + _word(AUDIT_X86_64),  # cmp dword [rsi + 28], AUDIT_X86_64
    b"\x75\x07",  # jne to the last of the next three
    b"\x3d" + _word(NEWER),  # cmp eax, NEWER
    b"\x72\x05",  # jb over the next
    b"\xb8" + _word(NEWER),  # mov eax, NEWER
    b"\xc1\xe0\x06",  # shl eax, 6: times ROW_BYTES
)
_SAY_AND_END = (
    b"\x48\x01\xc6",  # add rsi, rax
    b"\x0f\xb6\x56\x3f",  # movzx edx, byte [rsi + 63]: the length
    b"\xbf" + _word(2),  # mov edi, 2
    b"\xb8" + _word(X86_64["write"]),  # mov eax, write
    b"\x0f\x05",  # syscall
    b"\xbf" + _word(REFUSED_EXIT),  # mov edi, REFUSED_EXIT
    b"\xb8" + _word(X86_64["exit_group"]),  # mov eax, exit_group
    b"\x0f\x05",  # syscall
)
_ROWS = b"\x48\x8d\x35" + _word(sum(map(len, _SAY_AND_END)))  # lea rsi, [behind the code]
_CODE = b"".join((*_FIND, _ROWS, *_SAY_AND_END))
