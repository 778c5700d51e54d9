"""The page ``docs/requirements.md``, made from the registry and never edited by hand."""

from __future__ import annotations

from collections.abc import Iterator

from syslet_conformance.registry import AREAS, REQUIREMENTS, Level, Requirement

_OPENING = """\
# Requirements

What a syslet engine must do, row by row. This page is made by `syslet spec --markdown`;
what it says is in `conformance/syslet_conformance/requirements.toml`.

Sources: **doc** is the design document, with the section and the number of the sentence
in it; **abi** is the user-space ABI; **client** is what a program written for the interface
relies on; **ruling** is this project's decision where the others are silent.
"""


def requirements_page() -> str:
    """The page's text, with one table for each area. Total."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    rows = list(REQUIREMENTS.values())
    counts = ", ".join(f"{sum(row.level is level for row in rows)} {level}" for level in Level)
    yield _OPENING
    yield f"{len(rows)} requirements: {counts}."
    for area in AREAS:
        members = [row for row in rows if row.area == area]
        yield ""
        yield f"## {area.capitalize()} ({len(members)})"
        yield ""
        yield "| id | level | source | what the engine does |"
        yield "|---|---|---|---|"
        yield from (_table_row(row) for row in members)
    yield ""


def _table_row(row: Requirement) -> str:
    source = ", ".join(row.sources) + (f": {row.section}" if row.section else "")
    cells = (f"`{row.id}`", row.level, source, row.text)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
