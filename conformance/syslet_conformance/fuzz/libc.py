"""System calls that Python has no function for, made through the C library."""

from __future__ import annotations

import ctypes
import os

from syslet_layouts import SysletError

__all__ = ["LIBC", "call", "must"]

LIBC = ctypes.CDLL(None, use_errno=True)


def call(number: int, *words: int) -> int:
    """What the call returns, or -errno. Total."""
    returned = LIBC.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, words))
    return -ctypes.get_errno() if returned == -1 else int(returned)


def must(what: str, returned: int) -> int:
    """What `call` returned. SysletError, with `what` before the reason, where it is an error."""
    if returned < 0:
        raise SysletError(f"{what}: {os.strerror(-returned)}")
    return returned
