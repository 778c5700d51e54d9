"""Verdicts, and how those of tests make that of a requirement and of an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from syslet_conformance.registry import REQUIREMENTS, Level


class Verdict(StrEnum):
    """What a test says of an engine, from best to worst."""

    PASS = "pass"
    SKIP = "skip"
    UNJUDGED = "unjudged"
    FAIL = "fail"
    HANG = "hang"
    CRASH = "crash"


_ORDER = list(Verdict)
FAILED = frozenset({Verdict.FAIL, Verdict.HANG, Verdict.CRASH})
"""The verdicts that break an engine."""

HOLDS, BROKEN, CANNOT_JUDGE = 0, 1, 2
"""Exit statuses: every MUST holds; one does not; it could not be judged."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of the verdicts; UNJUDGED where there are none."""
    return max(verdicts, key=_ORDER.index, default=Verdict.UNJUDGED)


def engine_status(verdicts: Mapping[str, Verdict]) -> int:
    """The exit status from the verdict of each requirement that was selected, by id.

    Only MUST rows count. A MUST that was skipped or not judged is not one that holds.
    """
    musts = [v for id_, v in verdicts.items() if REQUIREMENTS[id_].level is Level.MUST]
    if any(verdict in FAILED for verdict in musts):
        return BROKEN
    if not verdicts or any(verdict is not Verdict.PASS for verdict in musts):
        return CANNOT_JUDGE
    return HOLDS
