"""The numbers that syscall names get in an image: Linux's, and the engine's own.

An engine has numbers of its own (`Engine.syscall_number`); an image is bytes without
an engine, so it takes those of the reference: i386's where a word has 4 bytes, and
x86-64's elsewhere.
"""

from __future__ import annotations

from syslet_layouts import Abi
from syslet_reference import NUMBERS as LINUX_NUMBERS

__all__ = ["LINUX_NUMBERS", "image_numbers"]


def image_numbers(abi: Abi) -> dict[str, int]:
    """The number of each name in an image for `abi`. Total."""
    column = 0 if abi.word_bytes == 4 else 1
    return {name: numbers[column] for name, numbers in LINUX_NUMBERS.items()}
