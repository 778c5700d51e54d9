"""Shared libraries as engines: which engine host loads one, by the machine it is built for."""

from __future__ import annotations

import struct
from pathlib import Path

from syslet_layouts import SysletError
from syslet_native.build_host import host_path

ELF_MAGIC = b"\x7fELF"
HEADER_BYTES = 20
WORDS = {1: "ilp32", 2: "lp64"}
ORDERS = {1: "little", 2: "big"}
"""Bytes 4 (class) and 5 (data) of an ELF header."""

I386, X86_64 = 3, 62
MACHINES = {
    2: "sparc", 3: "i386", 8: "mips", 20: "powerpc", 21: "powerpc64", 22: "s390x", 40: "arm",
    43: "sparc64", 62: "x86-64", 183: "aarch64", 243: "riscv",
}  # fmt: skip
"""Of ELF's e_machine, for messages."""

Target = tuple[str, str, int]
"""Word size, byte order and machine."""


def library_host(path: str) -> list[str]:
    """The command that serves the library: the engine host for its word size, and its path.

    SysletError where it is no shared library, is built for a machine whose programs do not run
    here, or the host cannot be built.
    """
    try:
        target = _target(Path(path))
        here = _target(Path("/proc/self/exe"))
    except OSError as error:
        raise SysletError(f"{path}: {error.strerror}") from None
    word, order, machine = target
    if target != here and (machine, here[2]) != (I386, X86_64):
        what = f"{MACHINES.get(machine, f'machine {machine}')}, {word}, {order} endian"
        raise SysletError(
            f"{path}: it is built for {what}; wanted {MACHINES.get(here[2], here[2])}"
            " (run a host of its kind under an emulator with exec:)"
        )
    return [str(host_path(word)), str(Path(path).resolve())]


def _target(path: Path) -> Target:
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(ELF_MAGIC):
        raise SysletError(f"{path}: wanted a shared library (ELF)")
    word, order = WORDS.get(header[4]), ORDERS.get(header[5])
    if word is None or order is None:
        raise SysletError(f"{path}: wanted a shared library; its ELF header is of no known class")
    (machine,) = struct.unpack_from("<H" if order == "little" else ">H", header, 18)
    return word, order, machine
