"""What changed between two reports: better, worse, new and gone, requirement by requirement.

A test is compared where both reports have a result of it, on the same ABI and in the same mode. It
is worse where its verdict is, in the order of `Verdict`. A requirement is worse on an ABI where one
of its tests is, else better where one is better; that is a regression where it is a MUST or a
SHOULD. What only one of the reports has, as when the suites are of two versions, is new or gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from syslet_conformance.foreign import shown
from syslet_conformance.registry import Level
from syslet_conformance.report import (
    NO_RESULT,
    OF_LETTER,
    Engine,
    Report,
    abi_of,
    name_without_way,
    way_of,
)
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

_ORDER = list(Verdict)
_BINDING = frozenset({Level.MUST, Level.SHOULD})

TESTS_SHOWN = 20
"""Of one requirement on one ABI; the rest is counted."""


class Kind(StrEnum):
    """What became of something, in the order in which it is shown."""

    WORSE = "worse"
    BETTER = "better"
    NEW = "new"
    GONE = "gone"


class TestChange(NamedTuple):
    """A test on one way (mode and ABI); None where a report has no result of it."""

    test: str
    way: str
    old: Verdict | None
    new: Verdict | None
    message: str


class Change(NamedTuple):
    """A requirement on one ABI; its verdicts are the reports', None where there is none."""

    kind: Kind
    requirement: str
    level: Level
    abi: str
    old: Verdict | None
    new: Verdict | None
    tests: list[TestChange]
    tests_left_out: int

    @property
    def is_regression(self) -> bool:
        """A MUST or SHOULD that is worse."""
        return self.kind is Kind.WORSE and self.level in _BINDING


class EngineDiff(NamedTuple):
    """An engine that both reports have, or (no changes) only one."""

    name: str
    old: Engine | None
    new: Engine | None
    changes: list[Change]
    characteristics: list[tuple[str, str, str]]

    def count(self, kind: Kind) -> int:
        """How many requirements, ABIs apart."""
        return sum(change.kind is kind for change in self.changes)


class Diff(NamedTuple):
    """Two reports compared."""

    engines: list[EngineDiff]

    @property
    def regressions(self) -> int:
        """How many requirements of how many ABIs and engines regressed."""
        return sum(c.is_regression for engine in self.engines for c in engine.changes)


def diff(old: Report, new: Report, renamed: Mapping[str, str] | None = None) -> Diff:
    """Compare. `renamed` maps names of engines in `old` to names in `new`.

    SysletError where they have no engine in common.
    """
    pairs = list(_pairs(old.engines, new.engines, renamed or {}))
    found = [_compare(old, new, a, b) for a, b in pairs]
    for engine in new.engines:
        if not any(engine is b for _, b in pairs):
            found.append(EngineDiff(name_of(engine), None, engine, [], []))
    for engine in old.engines:
        if not any(engine is a for a, _ in pairs):
            found.append(EngineDiff(name_of(engine), engine, None, [], []))
    return Diff(found)


def name_of(engine: Engine) -> str:
    """Name, version and backend."""
    run = engine.run
    return shown(f"{run.engine} {run.engine_version} ({run.backend})", 120)


def _pairs(
    old: Sequence[Engine], new: Sequence[Engine], renamed: Mapping[str, str]
) -> Iterator[tuple[Engine, Engine]]:
    """By name, backend and version; then, of what is left and is alone, by less."""
    olds, news = list(old), list(new)
    paired = 0
    for before, after in renamed.items():
        a = [e for e in olds if before in {e.run.engine, name_of(e)}]
        b = [e for e in news if after in {e.run.engine, name_of(e)}]
        if len(a) != 1 or len(b) != 1:
            raise SysletError(
                f"--engine {shown(before, 80)}={shown(after, 80)}: {len(a)} engines of OLD "
                f"({_names(old)}) and {len(b)} of NEW ({_names(new)}), wanted one of each"
            )
        olds.remove(a[0])
        news.remove(b[0])
        paired += 1
        yield a[0], b[0]
    for fields in (4, 3, 2, 1):
        for engine in list(olds):
            key = _key(engine)[:fields]
            a = [e for e in olds if _key(e)[:fields] == key]
            b = [e for e in news if _key(e)[:fields] == key]
            if len(a) == len(b) == 1:
                olds.remove(a[0])
                news.remove(b[0])
                paired += 1
                yield a[0], b[0]
    if not paired:
        raise SysletError(
            f"no engine in common: OLD has {_names(old)}; NEW has {_names(new)}; "
            "wanted --engine OLD=NEW"
        )


def _key(engine: Engine) -> tuple[str, ...]:
    run = engine.run
    return run.engine, run.backend, run.engine_version, run.engine_build


def _names(engines: Iterable[Engine]) -> str:
    return shown(", ".join(map(name_of, engines)) or "none")


def _compare(old: Report, new: Report, a: Engine, b: Engine) -> EngineDiff:
    rows = {row.id: row for row in (*old.requirements, *new.requirements)}
    tests = _tests(old, new, a, b)
    changes = []
    for id_, row in rows.items():
        before, after = a.verdicts.get(id_, {}), b.verdicts.get(id_, {})
        for abi in dict.fromkeys((*before, *after)):
            of_it = tests.get((id_, abi), [])
            kind = _kind(before.get(abi), after.get(abi), of_it)
            if kind is None:
                continue
            listed = sorted(of_it, key=lambda test: _RANKS[kind_of_test(test)])
            changes.append(
                Change(
                    kind=kind,
                    requirement=id_,
                    level=row.level,
                    abi=abi,
                    old=before.get(abi),
                    new=after.get(abi),
                    tests=listed[:TESTS_SHOWN],
                    tests_left_out=len(listed[TESTS_SHOWN:]),
                )
            )
    changes.sort(key=lambda change: (not change.is_regression, _RANKS[change.kind]))
    keys = sorted({*a.characteristics, *b.characteristics})
    facts = [(k, a.characteristics.get(k, ""), b.characteristics.get(k, "")) for k in keys]
    return EngineDiff(name_of(b), a, b, changes, [fact for fact in facts if fact[1] != fact[2]])


def _kind(old: Verdict | None, new: Verdict | None, tests: Sequence[TestChange]) -> Kind | None:
    """What became of a requirement on an ABI; None where nothing did.

    New or gone is also one whose verdict is another by tests that are new or gone alone.
    """
    if old is None:
        return Kind.NEW
    if new is None:
        return Kind.GONE
    kinds = {kind_of_test(test) for test in tests}
    told = Kind if old is not new else (Kind.WORSE, Kind.BETTER)
    return next((kind for kind in told if kind in kinds), None)


def kind_of_test(test: TestChange) -> Kind:
    """What became of a test."""
    if test.old is None:
        return Kind.NEW
    if test.new is None:
        return Kind.GONE
    return Kind.WORSE if _ORDER.index(test.new) > _ORDER.index(test.old) else Kind.BETTER


_RANKS = {kind: rank for rank, kind in enumerate(Kind)}


def _tests(
    old: Report, new: Report, a: Engine, b: Engine
) -> dict[tuple[str, str], list[TestChange]]:
    """What changed of the tests, by requirement and ABI."""
    places_a = {test.name: index for index, test in enumerate(old.tests)}
    places_b = {test.name: index for index, test in enumerate(new.tests)}
    ids = {test.name: test.requirements for test in (*old.tests, *new.tests)}
    messages = {(name_without_way(f), way_of(f)): f.message for f in b.failures}
    found: dict[tuple[str, str], list[TestChange]] = {}
    for way in dict.fromkeys((*a.each, *b.each)):
        abi = abi_of(way, (*a.tests, *b.tests))
        letters_a, letters_b = a.each.get(way, ""), b.each.get(way, "")
        for name, requirements in ids.items():
            before = _letter(letters_a, places_a.get(name))
            after = _letter(letters_b, places_b.get(name))
            if before == after:
                continue
            verdicts = OF_LETTER.get(before), OF_LETTER.get(after)
            test = TestChange(name, way, *verdicts, messages.get((name, way), ""))
            for id_ in requirements:
                found.setdefault((id_, abi), []).append(test)
    return found


def _letter(each: str, place: int | None) -> str:
    return NO_RESULT if place is None or place >= len(each) else each[place]
