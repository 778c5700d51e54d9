"""Results of one or many runs, folded into a report as they are read.

`Tally` takes results line by line and keeps the verdicts and the failures, not the tests that
passed. Results are other people's files: whatever is in them is data, and whatever grows with
them has a limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec

from syslet_conformance.foreign import shown, shown_path
from syslet_conformance.junit import Cases
from syslet_conformance.registry import REQUIREMENTS
from syslet_conformance.report import (
    LETTERS,
    NO_RESULT,
    NOT_PASSED,
    REPORT_SCHEMA,
    STANDINGS,
    TESTS,
    Engine,
    Failure,
    Report,
    SuiteTest,
    name_without_way,
    way_of,
)
from syslet_conformance.results import Evidence, Header, Result, from_line
from syslet_conformance.verdicts import Verdict, engine_status, worst
from syslet_layouts import SysletError

FAILURES_KEPT = 200
"""Of one engine, in full; the rest is counted."""

MESSAGE_CHARS = 4000
"""Longer messages are cut; of what an engine said, the end is kept."""

PROGRAM_CHARS = 50_000
EVIDENCE_BYTES = 200_000
HEADER_CHARS = 500
CHARACTERISTIC_CHARS = 500
CHARACTERISTICS_KEPT = 100
NOTES_KEPT = 100
"""Of one engine; what is longer or more is cut, and notes are counted."""

NAME_CHARS = 1000
ENGINES = 100
WAYS = 50
LARGEST_LINE_BYTES = 1 << 26
"""What is longer or more is an error: of names, distinct tests, engines, an engine's ABIs and
modes, and of a line."""


class Tally:
    """Counts results as they are read; `cases` is told of each."""

    def __init__(self, cases: Cases | None = None) -> None:
        self.unused: list[str] = []
        self._cases = cases
        self._tests: dict[str, tuple[int, set[str]]] = {}
        self._engines: dict[tuple[str, ...], _Counted] = {}
        self._now: _Counted | None = None
        self._known: dict[tuple[str, str, str | None], _Known] = {}

    def read(self, path: Path) -> None:
        """Take the results of a file. SysletError that names file, line, and what was wanted.

        A last line that was cut off is left out and said: in the engine's notes, or in `unused`
        where the file has nothing before it.
        """
        self._now = None
        name = shown_path(path)
        for number, line in enumerate(_lines(path, name), 1):
            where = f"{name}:{number}"
            if not line.endswith(b"\n"):
                note = f"{where}: its last line is cut off; the rest is used"
                self.unused.append(note)
                if self._now is not None:
                    self._now.note(note)
                continue
            read = from_line(line, where)
            if isinstance(read, Header):
                self.begin(read, where)
            else:
                self.take(read, where)

    def begin(self, header: Header, where: str) -> None:
        """What follows is of this run. SysletError where there are too many engines."""
        header = _cut_header(header)
        key = (header.engine, header.engine_version, header.engine_build, header.backend)
        found = self._engines.get(key)
        if found is None:
            if len(self._engines) >= ENGINES:
                raise SysletError(f"{where}: more engines than {ENGINES}, wanted fewer")
            found = self._engines[key] = _Counted(header, len(self._engines))
        self._now = found

    def take(self, result: Result, where: str) -> None:
        """Count a result. SysletError where it is of no run, or of no requirement of the suite."""
        now = self._now
        if now is None:
            raise SysletError(f"{where}: a result before its run, wanted a line of type run")
        key = (result.test, result.abi, result.mode)
        known = self._known.get(key)
        if known is None or known.requirements != result.requirements:
            known = self._learn(result, now.header, where)
            if len(self._known) >= TESTS:
                self._known.clear()
            self._known[key] = known
        counts = now.take(result, where, known)
        if self._cases is not None and counts:
            self._cases.add(now.number, known.way, known.number, result)

    def note(self, note: str) -> None:
        """Something odd about the run that was begun last."""
        if self._now is not None:
            self._now.note(note)

    def _learn(self, result: Result, header: Header, where: str) -> _Known:
        if max(len(result.test), len(result.abi), len(result.mode or "")) > NAME_CHARS:
            raise SysletError(f"{where}: a name of more than {NAME_CHARS} characters")
        unknown = sorted(set(result.requirements) - set(REQUIREMENTS))
        if unknown:
            suite = f"results of suite {header.suite!a}, here {version('syslet-conformance')}"
            raise SysletError(f"{where}: no requirement {shown(unknown[0], 80)!a} ({suite})")
        name = name_without_way(result)
        found = self._tests.get(name)
        if found is None:
            if len(self._tests) >= TESTS:
                raise SysletError(f"{where}: more tests than {TESTS}, wanted fewer")
            found = self._tests[name] = (len(self._tests), set())
        found[1].update(result.requirements)
        return _Known(found[0], way_of(result), result.requirements)

    def report(self) -> Report:
        """What was read. SysletError where there was no result."""
        if not any(counted.ways for counted in self._engines.values()):
            cut = f" ({self.unused[0]})" if self.unused else ""
            raise SysletError(f"no result in what was given{cut}; wanted what `syslet run` wrote")
        tests = [
            SuiteTest(name, tuple(id_ for id_ in REQUIREMENTS if id_ in ids))
            for name, (_, ids) in self._tests.items()
        ]
        engines = [counted.engine(len(tests)) for counted in self._engines.values()]
        return Report(REPORT_SCHEMA, list(REQUIREMENTS.values()), tests, engines)


class _Known(NamedTuple):
    """What a name, an ABI and a mode come to."""

    number: int
    way: str
    requirements: tuple[str, ...]


class _Way:
    """The letters of an engine's tests on one ABI in one mode, and its requirements' ranks."""

    def __init__(self, abi: str, ranks: dict[str, int]) -> None:
        self.abi, self.ranks = abi, ranks
        self.each = bytearray()


class _Counted:
    """What is known of one engine so far."""

    def __init__(self, header: Header, number: int) -> None:
        self.header, self.number = header, number
        self.ways: dict[str, _Way] = {}
        self.ranks: dict[str, dict[str, int]] = {}
        self.characteristics: dict[str, str] = {}
        self.failures: dict[tuple[str, int], Failure] = {}
        self.notes: list[str] = []
        self.notes_left_out = 0

    def note(self, note: str) -> None:
        """Keep the first of them."""
        if len(self.notes) < NOTES_KEPT:
            self.notes.append(note)
        else:
            self.notes_left_out += 1

    def take(self, result: Result, where: str, known: _Known) -> bool:
        """Count one result: one that was there before counts once, by the worse verdict.

        Whether it counts is what comes back.
        """
        index, name, requirements = known
        way = self.ways.get(name)
        if way is None:
            way = self._way(result.abi, name, where)
        each = way.each
        if index >= len(each):
            each.extend(_NO_LETTER * (index + 1 - len(each)))
        rank = _RANKS[result.verdict]
        before = _RANK_OF_LETTER.get(each[index], -1)
        if before >= 0 and before != rank:
            both = f"{_ORDER[before]} and {result.verdict}"
            self.note(f"{where}: {result.test} has two verdicts, {both}")
        for id_ in requirements:
            if way.ranks.get(id_, -1) < rank:
                way.ranks[id_] = rank
        if result.characteristics:
            self._describe(result.characteristics)
        if before >= rank:
            return False
        each[index] = _LETTER_OF_RANK[rank]
        if rank >= _FIRST_NOT_PASSED:
            self._keep(result, (name, index))
        return True

    def _way(self, abi: str, name: str, where: str) -> _Way:
        if len(self.ways) >= WAYS:
            raise SysletError(f"{where}: more ABIs and modes of one engine than {WAYS}")
        way = self.ways[name] = _Way(abi, self.ranks.setdefault(abi, {}))
        return way

    def _describe(self, characteristics: dict[str, str]) -> None:
        for key, value in characteristics.items():
            key = key[:CHARACTERISTIC_CHARS]
            if key in self.characteristics or len(self.characteristics) < CHARACTERISTICS_KEPT:
                self.characteristics[key] = value[:CHARACTERISTIC_CHARS]

    def _keep(self, result: Result, key: tuple[str, int]) -> None:
        if key not in self.failures and len(self.failures) >= FAILURES_KEPT:
            return
        self.failures[key] = Failure(
            test=result.test,
            requirements=tuple(dict.fromkeys(result.requirements)),
            abi=result.abi,
            mode=result.mode,
            verdict=result.verdict,
            message=result.message[:MESSAGE_CHARS],
            repeat=result.repeat[:MESSAGE_CHARS],
            program=_cut(result.program, PROGRAM_CHARS, "# the rest is left out: too long\n"),
            output=result.output[-MESSAGE_CHARS:],
            evidence=_fitting(result.evidence),
        )

    def engine(self, tests: int) -> Engine:
        """As it is reported: requirements in the registry's order, `tests` letters a way."""
        verdicts: dict[str, dict[str, Verdict]] = {}
        for id_ in REQUIREMENTS:
            ranks = {abi: by_id[id_] for abi, by_id in self.ranks.items() if id_ in by_id}
            if ranks:
                verdicts[id_] = {abi: _ORDER[rank] for abi, rank in ranks.items()}
        musts = {id_: worst(verdicts.get(id_, {}).values()) for id_ in REQUIREMENTS}
        counts = {abi: Counter[Verdict]() for abi in self.ranks}
        for way in self.ways.values():
            for verdict, letter in LETTERS.items():
                counts[way.abi][verdict] += way.each.count(letter.encode())
        bad = sum(n for c in counts.values() for v, n in c.items() if v in NOT_PASSED)
        return Engine(
            run=self.header,
            standing=STANDINGS[engine_status(musts)],
            verdicts=verdicts,
            tests={abi: {v: n for v, n in c.items() if n} for abi, c in counts.items()},
            each={n: w.each.decode().ljust(tests, NO_RESULT) for n, w in self.ways.items()},
            characteristics=self.characteristics,
            failures=list(self.failures.values()),
            failures_left_out=bad - len(self.failures),
            notes=self.notes,
            notes_left_out=self.notes_left_out,
        )


_ORDER = list(Verdict)
_RANKS = {verdict: rank for rank, verdict in enumerate(_ORDER)}
_LETTER_OF_RANK = [ord(LETTERS[verdict]) for verdict in _ORDER]
_RANK_OF_LETTER = {letter: rank for rank, letter in enumerate(_LETTER_OF_RANK)}
_FIRST_NOT_PASSED = _RANKS[Verdict.UNJUDGED]
_NO_LETTER = NO_RESULT.encode()


def _cut(words: str, limit: int, end: str) -> str:
    return words if len(words) <= limit else words[:limit] + "\n" + end


def _fitting(evidence: Evidence | None) -> Evidence | None:
    """The evidence, or a note in its place where it is too long."""
    if evidence is None or len(msgspec.json.encode(evidence)) <= EVIDENCE_BYTES:
        return evidence
    return Evidence(note=f"left out: longer than {EVIDENCE_BYTES} bytes")


def _cut_header(header: Header) -> Header:
    long = {
        name: value[:HEADER_CHARS]
        for name, value in msgspec.structs.asdict(header).items()
        if isinstance(value, str) and len(value) > HEADER_CHARS
    }
    return msgspec.structs.replace(header, **long) if long else header


def _lines(path: Path, name: str) -> Iterator[bytes]:
    """The lines of a regular file; what waits for somebody (a pipe) is none."""
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "no regular file"
            raise SysletError(f"{name}: {kind}, wanted a file of results")
        with path.open("rb") as file:
            while line := file.readline(LARGEST_LINE_BYTES + 1):
                if len(line) > LARGEST_LINE_BYTES:
                    raise SysletError(f"{name}: a line of more than {LARGEST_LINE_BYTES} bytes")
                yield line
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SysletError(f"{name}: {why}, wanted a file of results") from None
