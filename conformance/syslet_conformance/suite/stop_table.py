"""The ABI's truth table of the stop flags, by words, and flags that skip (chain.*, skip.*)."""

from __future__ import annotations

from itertools import combinations

from syslet_layouts import Abi, Flag

RESULTS = ("min", "-1", "0", "1", "max")
"""A result of each sign, and the extremes of the word."""

STOPPING = {
    Flag.STOP_ON_NONZERO: ("min", "-1", "1", "max"),
    Flag.STOP_ON_ZERO: ("0",),
    Flag.STOP_ON_NEGATIVE: ("min", "-1"),
    Flag.STOP_ON_NON_POSITIVE: ("min", "-1", "0"),
}
"""The results on which each flag stops."""

SKIP = Flag.SKIP_TO_NEXT_ON_STOP
SKIP_ON_ZERO = Flag.STOP_ON_ZERO | SKIP
SKIP_ALWAYS = Flag.STOP_ON_ZERO | Flag.STOP_ON_NONZERO | SKIP

COMBINATIONS = tuple(
    Flag(sum(chosen)) for count in range(5) for chosen in combinations(STOPPING, count)
)
"""No stop flag, each one, each pair, and so on: 16."""


def value(abi: Abi, result: str) -> int:
    """The result as a signed word."""
    extremes = {"min": abi.word_min, "max": abi.word_max}
    return extremes[result] if result in extremes else int(result)


def any_stops(flags: Flag, result: str) -> bool:
    """Whether one of the flags stops on that result."""
    return any(flag in flags and result in results for flag, results in STOPPING.items())
