"""The compliance report as a value: what each engine does, requirement by requirement.

`tally` makes it from results; everything that is written is drawn from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec

from syslet_conformance.registry import Level, Requirement
from syslet_conformance.results import Evidence, Header, Result, schema_of
from syslet_conformance.verdicts import BROKEN, CANNOT_JUDGE, HOLDS, Verdict

REPORT_SCHEMA = 1

TESTS = 100_000
"""So many distinct tests a report may have at most."""

STANDINGS = {HOLDS: "holds", BROKEN: "broken", CANNOT_JUDGE: "not judged"}
"""Of an engine, by its MUST rows."""

LETTERS = {verdict: verdict[0] for verdict in Verdict}
"""Of the verdicts, one character each."""

OF_LETTER = {letter: verdict for verdict, letter in LETTERS.items()}

NO_RESULT = "."

NOT_PASSED = frozenset(Verdict) - {Verdict.PASS, Verdict.SKIP}


class Failure(msgspec.Struct, frozen=True):
    """A test that did not pass."""

    test: str
    requirements: tuple[str, ...]
    abi: str
    mode: str | None
    verdict: Verdict
    message: str
    repeat: str
    program: str = ""
    output: str = ""
    evidence: Evidence | None = None


class SuiteTest(msgspec.Struct, frozen=True):
    """A test of the suite, on whatever ABI and in whatever mode."""

    name: str
    requirements: tuple[str, ...]


class Engine(msgspec.Struct):
    """One build of an engine by one backend: where it stands, and why.

    `run` is where its first results are from. `verdicts` has the worst of each requirement by
    ABI, `tests` how many of each verdict by ABI. `each` has the verdict of each of the report's
    tests by way (``cached-lp64-le``, or the ABI alone where a test has no mode): a letter of
    `LETTERS` a test, in their order, and ``.`` where there is no result. `notes` say what was odd
    about the results.
    """

    run: Header
    standing: str
    verdicts: dict[str, dict[str, Verdict]]
    tests: dict[str, dict[Verdict, int]]
    each: dict[str, str]
    characteristics: dict[str, str]
    failures: list[Failure]
    failures_left_out: int
    notes: list[str]
    notes_left_out: int = 0


Count = Annotated[int, msgspec.Meta(ge=0, le=TESTS)]


class Point(msgspec.Struct, frozen=True):
    """Where an engine stood in one report: how many requirements of each verdict, by level."""

    engine: str
    engine_version: str
    backend: str
    suite: str
    started: str
    counts: dict[Level, dict[Verdict, Count]]


class Report(msgspec.Struct):
    """Everything that ``report.json`` holds."""

    schema: int
    requirements: list[Requirement]
    tests: list[SuiteTest]
    engines: list[Engine]
    trend: list[Point] = []


def report_schema() -> dict[str, object]:
    """The JSON Schema of ``report.json``."""
    return schema_of(Report)


def way_of(result: Result | Failure) -> str:
    """How the test was run: mode and ABI, or the ABI alone."""
    return f"{result.mode}-{result.abi}" if result.mode else result.abi


def name_without_way(result: Result | Failure) -> str:
    """The test's name on every ABI and in every mode."""
    name, way = result.test, way_of(result)
    head, _, parameters = name.partition("[")
    if parameters == f"{way}]":
        return head
    for found, instead in ((f"[{way}-", "["), (f"-{way}]", "]"), (f"-{way}-", "-")):
        if found in name:
            return name.replace(found, instead, 1)
    return name


def abi_of(way: str, abis: Iterable[str]) -> str:
    """Which of the ABIs a way is of: the longest that it ends with; itself where none is."""
    return max((abi for abi in abis if way == abi or way.endswith(f"-{abi}")), key=len, default=way)


def engine_names(report: Report) -> list[str]:
    """Of its engines: name and version, and the backend where that is not enough."""
    short = [f"{engine.run.engine} {engine.run.engine_version}" for engine in report.engines]
    return [
        name if short.count(name) == 1 else f"{name} ({engine.run.backend})"
        for name, engine in zip(short, report.engines, strict=True)
    ]
