"""The numbers that syscall names get in an image: Linux's, and the engine's own.

An engine has numbers of its own (`Engine.syscall_number`); an image is bytes without
an engine, so it takes i386's where a word has 4 bytes, and x86-64's elsewhere.
"""

from __future__ import annotations

from syslet_layouts import Abi

LINUX_NUMBERS: dict[str, tuple[int, int]] = {
    "read": (3, 0),
    "write": (4, 1),
    "open": (5, 2),
    "close": (6, 3),
    "lseek": (19, 8),
    "getpid": (20, 39),
    "dup": (41, 32),
    "nanosleep": (162, 35),
    "poll": (168, 7),
    "memfd_create": (356, 319),
    "async_exec": (0x7501, 0x7501),
    "async_wait": (0x7502, 0x7502),
    "umem_add": (0x7503, 0x7503),
}
"""Name to (number where a word has 4 bytes, number where it has 8)."""


def image_numbers(abi: Abi) -> dict[str, int]:
    """The number of each name in an image for `abi`. Total."""
    column = 0 if abi.word_bytes == 4 else 1
    return {name: numbers[column] for name, numbers in LINUX_NUMBERS.items()}
