"""Every way to choose, one run after the other: each run makes the choices of the last one anew."""

from __future__ import annotations


class Choices:
    """A `Chooser` for one run after the other; `advance` goes to the next way to choose.

    A run takes what is set for it, each modulo the alternatives, and then always the first.
    """

    def __init__(self, first: list[int] | None = None) -> None:
        """`first` are the choices of the first run."""
        self._choices = first or []
        self._limits: list[int] = []

    def begin(self) -> None:
        """A run begins, with the same choices."""
        self._limits = []

    @property
    def is_new(self) -> bool:
        """Whether no run has come to the choice that is next."""
        return len(self._limits) == len(self._choices)

    def __call__(self, count: int) -> int:
        """One of `count` alternatives."""
        number = len(self._limits)
        if number == len(self._choices):
            self._choices.append(0)
        self._limits.append(count)
        return self._choices[number] % count

    def advance(self) -> bool:
        """The next way, by the alternatives that the last run had. False: there is no other."""
        choices, limits = self._choices, self._limits
        del choices[len(limits) :]
        while choices and choices[-1] + 1 >= limits[len(choices) - 1]:
            choices.pop()
        if not choices:
            return False
        choices[-1] += 1
        return True
