"""Failures that an engine's author knows of, each with a reason.

The file is TOML: a table ``[known-failures]`` of test patterns (shell wildcards over
``area::function[parameters]``, brackets taken literally) to reasons. A known failure does not
fail the run; an entry that matches no test, or only tests that pass, does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from syslet_conformance.results import Result
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

_WANTED = 'wanted a table [known-failures] of "test pattern" = "reason"'


def read_known_failures(path: Path) -> dict[str, str]:
    """Pattern to reason. SysletError where the file is not that."""
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise SysletError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SysletError(f"{path}: {error}; {_WANTED}") from None
    known = table.pop("known-failures", None)
    if table or not isinstance(known, dict):
        raise SysletError(f"{path}: {_WANTED}")
    for pattern, reason in known.items():
        if not isinstance(reason, str) or not reason.strip():
            raise SysletError(f"{path}: {pattern}: no reason; {_WANTED}")
    return known


def matches(pattern: str, test: str) -> bool:
    """Whether a pattern of the file means this test."""
    return fnmatchcase(test, pattern.replace("[", "[[]"))


def is_known(known: Iterable[str], result: Result) -> bool:
    """Whether a failure is one of the known ones."""
    return any(matches(pattern, result.test) for pattern in known)


def stale(known: Iterable[str], results: Iterable[Result]) -> list[str]:
    """A line for each entry that no failure backs."""
    judged = list(results)
    lines = []
    for pattern in known:
        found = [result for result in judged if matches(pattern, result.test)]
        if not found:
            lines.append(f"known failure {pattern}: matches no test")
        elif all(result.verdict is Verdict.PASS for result in found):
            lines.append(f"known failure {pattern}: passes")
    return lines
