"""The report as Markdown: short enough for a comment on a pull request."""

from __future__ import annotations

import re

from syslet_conformance.registry import AREAS, REQUIREMENTS, Level
from syslet_conformance.report import Engine, Report, engine_names
from syslet_conformance.verdicts import Verdict, worst

FAILURES_SHOWN = 20
"""Of each engine; ``report.json`` has more."""

SHOWN_CHARS = 300
"""Longer messages are cut."""

Named = list[tuple[str, Engine]]
"""Engines with what the page calls them."""

_MARKUP = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>()#+!|@~&"})


def markdown(report: Report) -> str:
    """The page."""
    names = [text(name, 80) for name in engine_names(report)]
    named = list(zip(names, report.engines, strict=True))
    parts = ["# Conformance of syslet engines", _standings(named), _areas(report, names)]
    parts += [_characteristics(report, names)]
    parts += [_failures(name, engine) for name, engine in named]
    parts += [_notes(name, engine) for name, engine in named]
    parts += [_provenance(named)]
    return "\n\n".join(part for part in parts if part) + "\n"


def text(value: str, limit: int = SHOWN_CHARS) -> str:
    """Somebody else's words on one line, with nothing in them that is markup."""
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    cut = line if len(line) <= limit else line[:limit] + "…"
    return cut.translate(_MARKUP)


def code(value: str, limit: int = 1000) -> str:
    """Somebody else's words as code."""
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())[:limit]
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return (
        f"{fence} {line} {fence}"
        if line.startswith("`") or line.endswith("`")
        else (f"{fence}{line}{fence}")
    )


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]]
    return "\n".join(lines)


def _verdicts(engine: Engine, area: str = "", level: Level | None = None) -> list[Verdict]:
    """Of the requirements of that area or level, the worst over the ABIs."""
    return [
        worst(engine.verdicts.get(row.id, {}).values())
        for row in REQUIREMENTS.values()
        if area in {"", row.area} and level in {None, row.level}
    ]


def _passed(verdicts: list[Verdict]) -> str:
    return f"{verdicts.count(Verdict.PASS)} of {len(verdicts)}"


def _standings(named: Named) -> str:
    rows = []
    for name, engine in named:
        levels = [_passed(_verdicts(engine, level=level)) for level in Level]
        tests = sum(sum(counts.values()) for counts in engine.tests.values())
        abis = ", ".join(text(abi) for abi in engine.tests)
        rows.append([name, f"**{engine.standing}**", *levels, str(tests), abis])
    return _table(
        ["engine", "stands", *(f"{level} pass" for level in Level), "tests", "ABIs"], rows
    )


def _areas(report: Report, names: list[str]) -> str:
    rows = [[area, *(_counts(_verdicts(e, area)) for e in report.engines)] for area in AREAS]
    return _table(["area", *names], rows)


def _counts(verdicts: list[Verdict]) -> str:
    return ", ".join(f"{verdicts.count(v)} {v}" for v in Verdict if v in verdicts)


def _characteristics(report: Report, names: list[str]) -> str:
    found = sorted({key for engine in report.engines for key in engine.characteristics})
    if not found:
        return ""
    rows = [
        [text(key), *(text(e.characteristics.get(key, "")) for e in report.engines)]
        for key in found
    ]
    return _table(["what it may do as it likes", *names], rows)


def _failures(name: str, engine: Engine) -> str:
    if not engine.failures:
        return ""
    shown = engine.failures[:FAILURES_SHOWN]
    lines = [f"## What {name} does not pass", ""]
    for failure in shown:
        named = text(", ".join(failure.requirements))
        lines.append(f"- **{failure.verdict}** {named}: {code(failure.test)}")
        lines.append(f"  - {text(failure.message)}")
        lines.append(f"  - repeat: {code(failure.repeat)}")
    more = len(engine.failures) + engine.failures_left_out - len(shown)
    return "\n".join([*lines, *([f"- and {more} more"] if more else [])])


def _notes(name: str, engine: Engine) -> str:
    if not engine.notes:
        return ""
    shown = [f"- {text(note)}" for note in engine.notes[:FAILURES_SHOWN]]
    return "\n".join([f"## What is odd about the results of {name}", "", *shown])


def _provenance(named: Named) -> str:
    heads = ["engine", "backend", "build", "suite", "host", "seed", "started"]
    rows = [
        [name, *map(text, (r.backend, r.engine_build, r.suite, r.host, str(r.seed), r.started))]
        for name, r in ((name, engine.run) for name, engine in named)
    ]
    return "## Where this is from\n\n" + _table(heads, rows)
