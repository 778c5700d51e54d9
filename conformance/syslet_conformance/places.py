"""Addresses of a loaded program, as labels."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from syslet_conformance.placement import Layout
from syslet_conformance.program import Address
from syslet_conformance.validate import spelled


class Places:
    """What lies where, when section i of `layout` is loaded at ``bases[i]``."""

    def __init__(self, layout: Layout, bases: Sequence[int]) -> None:
        """`bases` may be fewer: of a program that was not loaded to its end."""
        self._word_bytes = layout.abi.word_bytes
        self._sections = sorted(
            (base, base + section.size_bytes, index)
            for index, (base, section) in enumerate(zip(bases, layout.sections, strict=False))
        )
        self._starts = [start for start, _, _ in self._sections]
        self._labels: list[dict[int, str]] = [{} for _ in layout.sections]
        for label, (section, offset) in layout.labels.items():
            self._labels[section][offset] = label
        self._offsets = [sorted(labels) for labels in self._labels]

    def of(self, word: int) -> Address | None:
        """``&label+offset``, of several labels the last; None where nothing is loaded.

        The word right after a section counts as part of it: programs point there on purpose.
        """
        at = bisect_right(self._starts, word) - 1
        if at < 0:
            return None
        start, end, section = self._sections[at]
        offsets = self._offsets[section]
        index = bisect_right(offsets, word - start) - 1
        if word >= end + self._word_bytes or index < 0:
            return None
        offset = offsets[index]
        return Address(self._labels[section][offset], word - start - offset)

    def name(self, word: int) -> str:
        """An address as ``&label+offset``, NULL, or the number in hexadecimal."""
        address = self.of(word) if word else None
        return "NULL" if not word else spelled(address) if address else hex(word)
