"""Which theme comes next: those that reach what is rare come more often."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from random import Random

from syslet_conformance.fuzz.generate import THEMES

LEAST = 0.25
"""What every theme weighs, beside what it was worth."""

EVERY = 25
"""After so many streams the weights are made anew."""

FADES = 0.9
"""What a theme was worth counts so much less after each of its streams."""


class Steering:
    """The themes' weights in one batch; the same streams give the same weights."""

    def __init__(self, random: Random) -> None:
        self._random = random.random
        self.counted: Counter[str] = Counter()
        self._worth = [1.0] * len(THEMES)
        self._streams = 0
        self._sums: list[float] = []
        self._weigh()

    def _weigh(self) -> None:
        most = max(self._worth) or 1.0
        self._sums = list(accumulate(LEAST + worth / most for worth in self._worth))

    def next_theme(self) -> int:
        """The number of a theme."""
        roll = self._random() * self._sums[-1]
        return next(theme for theme, limit in enumerate(self._sums) if roll < limit)

    def saw(self, theme: int, features: set[str]) -> None:
        """A stream of that theme had these features."""
        counted = self.counted
        worth = 0.0
        for feature in features:
            counted[feature] += 1
            worth += 1 / counted[feature]
        self._worth[theme] = self._worth[theme] * FADES + worth * (1 - FADES)
        self._streams += 1
        if self._streams % EVERY == 0:
            self._weigh()
