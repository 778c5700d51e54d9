"""Which files a process may open: Landlock, as far as the kernel's version of it goes.

Nothing is written, made or removed but beneath one folder, where that is wanted. Reading stops at
devices and what the kernel shows as files, since opening those can do something. From version 4
on no TCP port is bound or connected to; from version 6 on no signal goes to a process outside.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

from syslet_conformance.fuzz.call_names import X86_64
from syslet_conformance.fuzz.libc import call, must

__all__ = ["SIGNALS_SINCE", "confine_files", "version", "why_not"]

GET_VERSION, PATH_BENEATH = 1, 1

# rights (linux/landlock.h); `_SINCE` has those that came later
WRITE_FILE, READ_FILE, READ_FOLDER = 1 << 1, 1 << 2, 1 << 3
REMOVE, MAKE = 1 << 4 | 1 << 5, 0x1FC0
MAKE_FOLDER, MAKE_FILE = 1 << 7, 1 << 8
MOVE, TRUNCATE, DEVICES = 1 << 13, 1 << 14, 1 << 15

READ = READ_FILE | READ_FOLDER
GUARDED = READ | WRITE_FILE | REMOVE | MAKE
_SINCE = {2: MOVE, 3: TRUNCATE, 5: DEVICES}
OF_A_FILE = WRITE_FILE | READ_FILE | TRUNCATE

OWN_FOLDER = READ | WRITE_FILE | REMOVE | MAKE_FOLDER | MAKE_FILE | MOVE | TRUNCATE

TCP, TCP_SINCE = 1 << 0 | 1 << 1, 4
OUTSIDE, SIGNALS_SINCE = 1 << 0 | 1 << 1, 6
"""OUTSIDE: abstract UNIX sockets, and signals."""

NOT_READ = frozenset({"dev", "proc", "run", "sys"})
"""What is not read of the folders in the root."""

DEVICE_RIGHTS = {
    "/dev/null": READ_FILE | WRITE_FILE | TRUNCATE,
    "/dev/zero": READ_FILE,
    "/dev/random": READ_FILE,
    "/dev/urandom": READ_FILE,
}


def version() -> int:
    """The kernel's version of Landlock, or -errno. Total."""
    return call(X86_64["landlock_create_ruleset"], 0, 0, GET_VERSION)


def why_not() -> str:
    """What is missing for it here, or the empty string."""
    got = version()
    return f"no Landlock: {os.strerror(-got)}" if got < 0 else ""


def confine_files(directory: Path, *, writable: bool) -> int:
    """Confine this thread and what it starts; the version that did it. SysletError.

    Whoever calls has given up new privileges before. `directory` is read, and written too where
    it is `writable`.
    """
    here = must("no Landlock", version())
    guarded = GUARDED | sum(right for since, right in _SINCE.items() if here >= since)
    tcp, outside = TCP * (here >= TCP_SINCE), OUTSIDE * (here >= SIGNALS_SINCE)
    fields = struct.pack("=QQQ", guarded, tcp, outside)
    size = 24 if outside else 16 if tcp else 8
    held = ctypes.create_string_buffer(fields, len(fields))
    create = X86_64["landlock_create_ruleset"]
    rules = must("no Landlock", call(create, ctypes.addressof(held), size, 0))
    try:
        for name in sorted(set(os.listdir("/")) - NOT_READ):
            _allow(rules, f"/{name}", READ)
        for path, rights in DEVICE_RIGHTS.items():
            _allow(rules, path, rights & guarded)
        _allow(rules, str(directory), (OWN_FOLDER if writable else READ) & guarded)
        must("no Landlock", call(X86_64["landlock_restrict_self"], rules, 0))
    finally:
        os.close(rules)
    return here


def _allow(rules: int, path: str, rights: int) -> None:
    """Beneath the path, or for the file that it is; nothing where there is none."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= OF_A_FILE
        rule = struct.pack("=Qi", rights, fd)
        held = ctypes.create_string_buffer(rule, len(rule))
        add, at = X86_64["landlock_add_rule"], ctypes.addressof(held)
        must("no Landlock", call(add, rules, PATH_BENEATH, at, 0))
    finally:
        os.close(fd)
