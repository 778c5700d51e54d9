"""What the report's page shows, drawn from a `Report`: columns, cells, cards.

A column is one engine on one ABI. Everything here is counted once, before the template runs, since
a report may have a hundred columns.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from syslet_conformance.registry import REQUIREMENTS, Level, Requirement
from syslet_conformance.report import (
    LETTERS,
    NO_RESULT,
    OF_LETTER,
    Engine,
    Failure,
    Report,
    abi_of,
    engine_names,
)
from syslet_conformance.results import Turn
from syslet_conformance.verdicts import Verdict, worst

NAME_CHARS = 60
"""Longer names of engines are cut."""

MARKS = {
    Verdict.PASS: "✓",
    Verdict.SKIP: "○",
    Verdict.UNJUDGED: "?",
    Verdict.FAIL: "✗",
    Verdict.HANG: "∞",
    Verdict.CRASH: "!",
}
"""A verdict by shape, for who does not see its colour."""

IN_FULL = 40
IN_FULL_OF_ALL = 200
"""How many failures are shown in full: of one engine, and of all; the rest are named."""

NO_VERDICT = "none"
"""Of a cell without a result."""

COLUMNS_NAMED = 12
"""How many columns are named beside one test that does not pass on them."""

_EXPECTED = re.compile(
    r"(?:([^\n]{1,200}?): )?expected (.*), got (.*?)(?:, (after\n.*))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Column:
    """One engine on one ABI; `key` is what links name it by."""

    engine: int
    abi: str
    key: str


@dataclass(slots=True)
class Cell:
    """What a column says of a requirement: the id of the place that says more, the worst verdict
    or "none", and how many tests got which."""

    id: str
    abi: str
    verdict: str
    tests: Counter[Verdict]
    said: str


@dataclass(slots=True)
class EngineView:
    """An engine with the name that the page calls it by; no two have one.

    `homes` are the requirements in whose cards its failures are, and how many.
    """

    engine: Engine
    name: str
    slug: str
    columns: list[Column]
    levels: list[tuple[Level, int, int]]
    tests: Counter[Verdict]
    homes: list[tuple[str, int]] = field(default_factory=list)

    @property
    def counted(self) -> str:
        """How many tests got which verdict."""
        return _counted(self.tests)

    @property
    def failures(self) -> int:
        """How many tests did not pass, the ones that the report left out too."""
        return len(self.engine.failures) + self.engine.failures_left_out


@dataclass(slots=True)
class FailureView:
    """A test that did not pass, and the id that links to it.

    `card` is the requirement in whose card it is shown; without one it is shown with its engine.
    """

    id: str
    engine: EngineView
    failure: Failure
    card: str = ""
    in_full: bool = False

    @property
    def wanted_and_got(self) -> tuple[str, str, str, str] | None:
        """Its message by its parts: of what, what was expected, what was got, and the rest."""
        found = _EXPECTED.fullmatch(self.failure.message)
        if found is None or self.failure.message.count(", got ") != 1:
            return None
        what, wanted, got, rest = found.groups()
        return what or "", wanted, got, rest or ""

    @property
    def parting(self) -> Turn | None:
        """The first turn at which engine and reference gave something else."""
        evidence = self.failure.evidence
        at = None if evidence is None else evidence.parting
        return None if evidence is None or at is None else evidence.turns[at]

    @property
    def silent(self) -> int:
        """How many turns gave nothing, as what prepares memory does."""
        turns = self.failure.evidence.turns if self.failure.evidence else ()
        return sum(not (turn.engine or turn.reference) for turn in turns)


@dataclass(slots=True)
class Card:
    """One requirement: a cell for each column, its tests, and the failures it is the first of.

    `engines` has the same cells by engine. `shown` are failures in full, `named` are without what
    led to them, `linked` are in another card. `tests` pairs each name with what it got where it did
    not pass, as text.
    """

    row: Requirement
    cells: list[Cell]
    engines: list[tuple[EngineView, list[Cell]]]
    tests: list[tuple[str, str]]
    shown: list[FailureView] = field(default_factory=list)
    named: list[FailureView] = field(default_factory=list)
    linked: list[FailureView] = field(default_factory=list)

    @property
    def worst(self) -> Verdict | None:
        """Of all its cells; None where it has no result."""
        found = [Verdict(cell.verdict) for cell in self.cells if cell.verdict != NO_VERDICT]
        return worst(found) if found else None


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the template reads."""

    engines: list[EngineView]
    columns: list[Column]
    cards: list[Card]
    failures: list[list[FailureView]]
    facts: list[tuple[str, list[str]]]


def view_of(report: Report) -> View:
    """What the page shows. Total."""
    engines = list(_engines(report))
    columns = [column for engine in engines for column in engine.columns]
    cards = _cards(report, engines, columns)
    failures = [list(_failures(engine)) for engine in engines]
    _place(engines, failures, {card.row.id: card for card in cards})
    keys = sorted({key for engine in report.engines for key in engine.characteristics})
    facts = [(key, [e.characteristics.get(key, "") for e in report.engines]) for key in keys]
    return View(engines, columns, cards, failures, facts)


def _engines(report: Report) -> Iterator[EngineView]:
    taken: set[str] = set()
    names = engine_names(report)
    for number, (name, engine) in enumerate(zip(names, report.engines, strict=True)):
        if len(name) > NAME_CHARS:
            name = name[: NAME_CHARS - 1] + "…"
        slug = re.sub("[^a-z0-9]+", "-", name.lower())[:NAME_CHARS].strip("-") or "engine"
        while slug in taken:
            slug += "-"
        taken.add(slug)
        columns = [Column(number, abi, f"{slug}/{_key(abi)}") for abi in engine.tests]
        tests = sum((Counter(counts) for counts in engine.tests.values()), Counter[Verdict]())
        yield EngineView(engine, name, slug, columns, _levels(engine), tests)


def _key(text: str) -> str:
    """The text where it can stand in an id as it is, else something that stands for it."""
    fits = re.fullmatch(r"[A-Za-z0-9_-]{1,40}", text)
    return text if fits else hashlib.sha256(text.encode(errors="replace")).hexdigest()[:10]


def _levels(engine: Engine) -> list[tuple[Level, int, int]]:
    """(level, how many of its requirements pass everywhere, how many there are)"""
    found = []
    for level in Level:
        rows = [row.id for row in REQUIREMENTS.values() if row.level is level]
        passed = sum(worst(engine.verdicts.get(id_, {}).values()) is Verdict.PASS for id_ in rows)
        found.append((level, passed, len(rows)))
    return found


def _cards(report: Report, engines: list[EngineView], columns: list[Column]) -> list[Card]:
    tests: dict[str, list[int]] = {row.id: [] for row in report.requirements}
    for index, test in enumerate(report.tests):
        for id_ in test.requirements:
            if id_ in tests:
                tests[id_].append(index)
    of_columns = [
        (column, engines[column.engine].engine, _letters(engines[column.engine].engine, column.abi))
        for column in columns
    ]
    odd = _not_passed(report, engines)
    cards = []
    for row in report.requirements:
        at = tests[row.id]
        cells: list[Cell] = []
        by_engine: list[tuple[EngineView, list[Cell]]] = [(view, []) for view in engines]
        for column, engine, ways in of_columns:
            letters = Counter(letters[i] for letters in ways for i in at if i < len(letters))
            counts = Counter({OF_LETTER[k]: n for k, n in letters.items() if k in OF_LETTER})
            verdict = engine.verdicts.get(row.id, {}).get(column.abi)
            id_ = f"{row.id}/{column.key}"
            cell = Cell(id_, column.abi, verdict or NO_VERDICT, counts, _counted(counts))
            cells.append(cell)
            by_engine[column.engine][1].append(cell)
        named = [(report.tests[i].name, odd.get(i, "")) for i in at]
        cards.append(Card(row, cells, [pair for pair in by_engine if pair[1]], named))
    return cards


def _counted(counts: Counter[Verdict]) -> str:
    """How many of which verdict, best first."""
    return ", ".join(f"{counts[v]} {v}" for v in Verdict if counts[v]) or "no test"


def _letters(engine: Engine, abi: str) -> list[str]:
    """What the engine's tests got on an ABI, a string for each way."""
    return [letters for way, letters in engine.each.items() if abi_of(way, engine.tests) == abi]


def _not_passed(report: Report, engines: list[EngineView]) -> dict[int, str]:
    """What tests got where they did not pass, by their index, as text."""
    found: dict[int, list[str]] = {}
    dull = {LETTERS[Verdict.PASS], NO_RESULT}
    for view in engines:
        for way, letters in view.engine.each.items():
            if not set(letters) - dull:
                continue
            for index, letter in enumerate(letters[: len(report.tests)]):
                if letter not in dull and letter in OF_LETTER:
                    said = f"{OF_LETTER[letter]} on {view.name}, {way}"
                    found.setdefault(index, []).append(said)
    return {
        index: "; ".join(said[:COLUMNS_NAMED])
        + (f"; and {len(said) - COLUMNS_NAMED} more" if len(said) > COLUMNS_NAMED else "")
        for index, said in found.items()
    }


def _failures(engine: EngineView) -> Iterator[FailureView]:
    for failure in engine.engine.failures:
        digest = hashlib.sha256(failure.test.encode(errors="replace")).hexdigest()[:10]
        yield FailureView(f"{engine.slug}/{digest}", engine, failure)


def _place(
    engines: list[EngineView], failures: list[list[FailureView]], cards: dict[str, Card]
) -> None:
    """Each failure is in the card of its first requirement, and linked from the others.

    In full are the first of each requirement, then the second, as far as there is room.
    """
    limit = min(IN_FULL, IN_FULL_OF_ALL // max(len(failures), 1))
    for view, of_engine in zip(engines, failures, strict=True):
        found = [[cards[id_] for id_ in f.failure.requirements if id_ in cards] for f in of_engine]
        earlier: Counter[str] = Counter()
        turns = []
        for number, homes in enumerate(found):
            home = homes[0].row.id if homes else ""
            turns.append((earlier[home], number))
            earlier[home] += 1
        for _, number in sorted(turns)[:limit]:
            of_engine[number].in_full = True
        for shown, homes in zip(of_engine, found, strict=True):
            for card in homes[:1]:
                (card.shown if shown.in_full else card.named).append(shown)
                shown.card = card.row.id
            for card in homes[1:]:
                card.linked.append(shown)
        view.homes = [(id_, n) for id_, n in earlier.items() if id_]
