"""System call numbers by word size: Linux's on i386 and x86-64, and the engine's own.

The engine's own calls lie in a range that no Linux machine uses.
"""

from __future__ import annotations

NUMBERS: dict[str, tuple[int, int]] = {
    "read": (3, 0),
    "write": (4, 1),
    "open": (5, 2),
    "close": (6, 3),
    "lseek": (19, 8),
    "getpid": (20, 39),
    "dup": (41, 32),
    "poll": (168, 7),
    "nanosleep": (162, 35),
    "splice": (313, 275),
    "memfd_create": (356, 319),
    "async_exec": (0x7501, 0x7501),
    "async_wait": (0x7502, 0x7502),
    "umem_add": (0x7503, 0x7503),
}
"""Name to (number where a word has 4 bytes, number where it has 8)."""
