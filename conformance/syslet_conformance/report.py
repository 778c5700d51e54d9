"""The compliance report: results of one or many runs, folded into what each engine does.

`Tally` takes results line by line and keeps the verdicts and the failures, not the tests that
passed; `Tally.report` is what is written. Results are other people's files: whatever is in them is
data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from syslet_conformance.registry import REQUIREMENTS, Requirement
from syslet_conformance.results import Evidence, Header, Result, from_line, schema_of
from syslet_conformance.verdicts import (
    BROKEN,
    CANNOT_JUDGE,
    HOLDS,
    Verdict,
    engine_status,
    worst,
)
from syslet_layouts import SysletError

REPORT_SCHEMA = 1

FAILURES_KEPT = 200
"""Of one engine, in full; the rest is counted."""

MESSAGE_CHARS = 4000
"""Longer messages are cut."""

STANDINGS = {HOLDS: "holds", BROKEN: "broken", CANNOT_JUDGE: "not judged"}
"""Of an engine, by its MUST rows."""

LETTERS = {verdict: verdict[0] for verdict in Verdict}
"""Of the verdicts, one character each."""

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


class Report(msgspec.Struct):
    """Everything that ``report.json`` holds."""

    schema: int
    requirements: list[Requirement]
    tests: list[SuiteTest]
    engines: list[Engine]


def report_schema() -> dict[str, object]:
    """The JSON Schema of ``report.json``."""
    return schema_of(Report)


class Tally:
    """Counts results as they are read."""

    def __init__(self) -> None:
        self._tests: dict[str, tuple[int, set[str]]] = {}
        self._engines: dict[tuple[str, ...], _Counted] = {}

    def read(self, path: Path) -> None:
        """Take the results of a file. SysletError that names file, line, and what was wanted."""
        now: _Counted | None = None
        for where, line, is_whole in _lines(path):
            if not is_whole:
                if now is not None:
                    now.notes.append(f"{where}: its last line is cut off; the rest is used")
                continue
            read = from_line(line, where)
            if isinstance(read, Header):
                key = (read.engine, read.engine_version, read.engine_build, read.backend)
                now = self._engines.setdefault(key, _Counted(read))
            elif now is None:
                raise SysletError(f"{where}: a result before its run, wanted a line of type run")
            else:
                now.take(read, where, self._index(read, now.header, where))

    def _index(self, result: Result, header: Header, where: str) -> int:
        """Which test it is of. SysletError where the suite has no such requirement."""
        name = name_without_way(result)
        index, ids = self._tests.setdefault(name, (len(self._tests), set()))
        if not ids.issuperset(result.requirements):
            unknown = sorted(set(result.requirements) - set(REQUIREMENTS))
            if unknown:
                suite = header.suite
                raise SysletError(
                    f"{where}: no requirement {unknown[0]!r} (results of suite {suite})"
                )
            ids.update(result.requirements)
        return index

    def report(self) -> Report:
        """What was read. SysletError where there was no result."""
        if not any(counted.verdicts for counted in self._engines.values()):
            raise SysletError("no result in what was given; wanted what `syslet run` wrote")
        tests = [
            SuiteTest(name, tuple(id_ for id_ in REQUIREMENTS if id_ in ids))
            for name, (_, ids) in self._tests.items()
        ]
        engines = [counted.engine(len(tests)) for counted in self._engines.values()]
        return Report(REPORT_SCHEMA, list(REQUIREMENTS.values()), tests, engines)


def way_of(result: Result) -> str:
    """How the test was run: mode and ABI, or the ABI alone."""
    return f"{result.mode}-{result.abi}" if result.mode else result.abi


def name_without_way(result: Result) -> str:
    """The test's name on every ABI and in every mode."""
    name, way = result.test, way_of(result)
    head, _, parameters = name.partition("[")
    if parameters == f"{way}]":
        return head
    for found, instead in ((f"[{way}-", "["), (f"-{way}]", "]"), (f"-{way}-", "-")):
        if found in name:
            return name.replace(found, instead, 1)
    return name


class _Counted:
    """What is known of one engine so far."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.each: dict[str, bytearray] = {}
        self.verdicts: dict[str, dict[str, Verdict]] = {}
        self.tests: dict[str, Counter[Verdict]] = {}
        self.characteristics: dict[str, str] = {}
        self.failures: dict[str, Failure] = {}
        self.left_out = 0
        self.notes: list[str] = []

    def take(self, result: Result, where: str, index: int) -> None:
        """Count one result. One that was there before counts once, by the worse verdict."""
        verdict = result.verdict
        counts = self.tests.setdefault(result.abi, Counter())
        each = self.each.setdefault(way_of(result), bytearray())
        if index >= len(each):
            each.extend(NO_RESULT.encode() * (index + 1 - len(each)))
        before = _BY_LETTER.get(chr(each[index]))
        if before is not None:
            if before is not verdict:
                both = f"{before} and {verdict}"
                self.notes.append(f"{where}: {result.test} has two verdicts, {both}")
            verdict = worst([before, verdict])
            counts[before] -= 1
        each[index] = ord(LETTERS[verdict])
        counts[verdict] += 1
        for id_ in result.requirements:
            by_abi = self.verdicts.setdefault(id_, {})
            by_abi[result.abi] = worst([by_abi.get(result.abi, Verdict.PASS), verdict])
        self.characteristics.update(result.characteristics)
        if result.verdict in NOT_PASSED:
            self._keep(result)

    def _keep(self, result: Result) -> None:
        if len(self.failures) >= FAILURES_KEPT:
            self.left_out += 1
            return
        self.failures[result.test] = Failure(
            test=result.test,
            requirements=result.requirements,
            abi=result.abi,
            mode=result.mode,
            verdict=result.verdict,
            message=result.message[:MESSAGE_CHARS],
            repeat=result.repeat,
            program=result.program,
            output=result.output,
            evidence=result.evidence,
        )

    def engine(self, tests: int) -> Engine:
        """As it is reported: requirements in the registry's order, `tests` letters a way."""
        everywhere = {id_: worst(by_abi.values()) for id_, by_abi in self.verdicts.items()}
        musts = {id_: everywhere.get(id_, Verdict.UNJUDGED) for id_ in REQUIREMENTS}
        return Engine(
            run=self.header,
            standing=STANDINGS[engine_status(musts)],
            verdicts={id_: self.verdicts[id_] for id_ in REQUIREMENTS if id_ in self.verdicts},
            tests={abi: {v: n for v, n in c.items() if n} for abi, c in self.tests.items()},
            each={way: each.decode().ljust(tests, NO_RESULT) for way, each in self.each.items()},
            characteristics=self.characteristics,
            failures=list(self.failures.values()),
            failures_left_out=self.left_out,
            notes=self.notes,
        )


_BY_LETTER = {letter: verdict for verdict, letter in LETTERS.items()}


def _lines(path: Path) -> Iterator[tuple[str, bytes, bool]]:
    """(file and line number, the line, whether it ends in a newline)."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield f"{path}:{number}", line.rstrip(b"\n"), line.endswith(b"\n")
    except OSError as error:
        raise SysletError(f"{path}: {error.strerror}") from None
