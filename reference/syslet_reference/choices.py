"""Who goes next: a seed or a list of choices picks among what could run."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Protocol


class Chooser(Protocol):
    """Picks one of `count` alternatives, 0 to count - 1; 0 is who came first."""

    def __call__(self, count: int) -> int: ...


def seeded(seed: int) -> Chooser:
    """Picks by a pseudo-random sequence that the seed determines."""
    pick = random.Random(seed).randrange
    return lambda count: pick(count)


def listed(choices: Iterable[int]) -> Chooser:
    """Picks as listed, each modulo the number of alternatives; then always the first."""
    remaining: Iterator[int] = iter(choices)
    return lambda count: next(remaining, 0) % count
