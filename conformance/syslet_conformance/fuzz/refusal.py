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

__all__ = ["REFUSED_EXIT", "name_refused_calls", "refused"]

REFUSED_EXIT = 97
"""The exit status of a process whose call was refused."""

NAMELESS = "a call"
LINE = re.compile(r"^refused: (\w+) \(\d+\)$", re.MULTILINE)

ROW_BYTES = 64
"""A line and, in its last byte, its length."""

SA_SIGINFO = 4

Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)


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
    try:
        memory = mmap.mmap(
            -1, len(_CODE) + NEWER * ROW_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        )
    except OSError:
        return False
    memory.write(_CODE + b"".join(map(_row, range(NEWER))))
    held = ctypes.c_char.from_buffer(memory)
    at = ctypes.addressof(held)
    if LIBC.mprotect(
        ctypes.c_void_p(at), ctypes.c_size_t(len(memory)), mmap.PROT_READ | mmap.PROT_EXEC
    ):
        return False
    _kept.append(held)
    action = SigAction(handler=at, flags=SA_SIGINFO)
    return not LIBC.sigaction(int(signal.SIGSYS), ctypes.byref(action), None)


_kept: list[object] = []
"""The memory of the handler, for as long as the process lives."""


def _row(number: int) -> bytes:
    line = f"refused: {name_of(number)} ({number})\n".encode()
    return line.ljust(ROW_BYTES - 1, b"\0") + bytes([len(line)])


_HEAD = (
    b"\x8b\x46\x18"  # mov eax, [rsi + 24]: the number, in siginfo
    b"\x3d"
    + struct.pack("<I", NEWER)  # cmp eax, NEWER
    + b"\x72\x05"  # jb over the next
    b"\xb8"
    + struct.pack("<I", NEWER - 1)  # mov eax, NEWER - 1
    + b"\xc1\xe0\x06"  # shl eax, 6: times ROW_BYTES
)
_TAIL = (
    b"\x48\x01\xc6"  # add rsi, rax
    b"\x0f\xb6\x56\x3f"  # movzx edx, byte [rsi + 63]: the length
    b"\xbf\x02\x00\x00\x00"  # mov edi, 2
    b"\xb8"
    + struct.pack("<I", X86_64["write"])  # mov eax, write
    + b"\x0f\x05"  # syscall
    b"\xbf"
    + struct.pack("<I", REFUSED_EXIT)  # mov edi, REFUSED_EXIT
    + b"\xb8"
    + struct.pack("<I", X86_64["exit_group"])  # mov eax, exit_group
    + b"\x0f\x05"  # syscall
)
_CODE = _HEAD + b"\x48\x8d\x35" + struct.pack("<I", len(_TAIL)) + _TAIL  # lea rsi, [the rows]
