"""``syslet spec``: what an engine must do, who says so, and which tests check it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby, zip_longest
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from syslet_conformance.inventory import SuiteTest, coverage, suite_gaps, suite_tests
from syslet_conformance.registry import (
    AREAS,
    REQUIREMENTS,
    SOURCES,
    Level,
    Requirement,
    requirement,
)
from syslet_conformance.requirements_page import requirements_page
from syslet_layouts import SysletError

Tests = Mapping[str, Sequence[SuiteTest]] | None
"""The tests of each requirement; None where nobody asked for them."""


@click.command("spec")
@click.option("--area", type=click.Choice(AREAS), help="Only this area.")
@click.option("--level", type=click.Choice([*Level], case_sensitive=False), help="Only this level.")
@click.option("--source", type=click.Choice(SOURCES), help="Only what this source says.")
@click.option("--text", metavar="SUBSTRING", help="Only where id or text holds it, in any case.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="This one in full; repeatable.")
@click.option("--tests", "with_tests", is_flag=True, help="Count the tests of each.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print the page docs/requirements.md.")
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Exit 1 unless FILE is what --markdown prints.",
)
@click.option("--gate", is_flag=True, help="Exit 1 if the suite leaves a requirement unchecked.")
@click.pass_context
def command(
    ctx: click.Context,
    area: str | None,
    level: str | None,
    source: str | None,
    text: str | None,
    ids: tuple[str, ...],
    with_tests: bool,
    as_json: bool,
    markdown: bool,
    check: Path | None,
    gate: bool,
) -> None:
    """List the requirements that the suite checks.

    --id also shows the source and the tests of a requirement. --gate prints a line for each
    MUST without a test, each test without a requirement, and each name of a test that is
    there twice.
    """
    narrowed = bool(ids or area or level or source or text)
    whole = bool(markdown or check or gate)
    if as_json + markdown + bool(check) + gate > 1:
        raise click.UsageError("only one of --json, --markdown, --check and --gate")
    if whole and (narrowed or with_tests):
        raise click.UsageError("--markdown, --check and --gate take the whole list as it is")
    if gate:
        ctx.exit(_gate())
    if check:
        ctx.exit(_check(check))
    if markdown:
        click.echo(requirements_page(), nl=False)
        return
    rows = [requirement(name) for name in dict.fromkeys(ids)] or list(REQUIREMENTS.values())
    rows = [
        row
        for row in rows
        if area in (None, row.area)
        and (level is None or row.level == level)
        and (source is None or source in row.sources)
        and (text is None or text.casefold() in f"{row.id} {row.text}".casefold())
    ]
    if not rows:
        raise SysletError("no requirement is all of that")
    tests = coverage(suite_tests()) if with_tests or ids else None
    if as_json:
        click.echo(json.dumps([_as_json(row, tests) for row in rows], indent=2))
    elif ids:
        click.echo("\n\n".join(_in_full(row, tests) for row in rows))
    else:
        _print_table(rows, tests)


def _print_table(rows: Sequence[Requirement], tests: Tests) -> None:
    # What does not fit beside a long id at 80 columns stands below it: level and sources.
    console = Console(highlight=False)
    id_width = max(len(row.id) for row in REQUIREMENTS.values())
    for area, members in groupby(rows, key=lambda row: row.area):
        table = Table(
            title=area, title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        table.add_column("requirement", min_width=id_width, no_wrap=True)
        if tests is not None:
            table.add_column("tests", justify="right")
        table.add_column("text")
        for row in members:
            name = Text(f"{row.id}\n", style="cyan")
            name.append(f"  {row.level}  {', '.join(row.sources)}", style="default")
            count = [] if tests is None else [Text(str(len(tests[row.id])))]
            table.add_row(name, *count, Text(row.text))
        console.print(table)
        console.print()


def _in_full(row: Requirement, tests: Tests) -> str:
    source = ", ".join(row.sources) + (f" ({row.section})" if row.section else "")
    checkers = (tests or {}).get(row.id, ())
    lines = [
        f"{row.id}  {row.level}",
        f"  area:   {row.area}",
        f"  source: {source}",
        *(f"  test:   {test.name}" for test in checkers),
        *([] if checkers else ["  test:   none"]),
        click.wrap_text(row.text, width=80, initial_indent="  ", subsequent_indent="  "),
    ]
    return "\n".join(lines)


def _as_json(row: Requirement, tests: Tests) -> dict[str, object]:
    made: dict[str, object] = {
        "id": row.id,
        "area": row.area,
        "level": row.level.value,
        "sources": list(row.sources),
        "section": row.section or None,
        "text": row.text,
    }
    if tests is not None:
        made["tests"] = [test.name for test in tests[row.id]]
    return made


def _gate() -> int:
    tests = suite_tests()
    gaps = suite_gaps(tests)
    for gap in gaps:
        click.echo(gap)
    if not gaps:
        click.echo(f"{len(tests)} tests check every MUST of {len(REQUIREMENTS)} requirements")
    return 1 if gaps else 0


def _check(path: Path) -> int:
    try:
        found = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SysletError(f"{path}: {error}") from None
    wanted = requirements_page()
    if found == wanted:
        return 0
    pairs = zip_longest(found.split("\n"), wanted.split("\n"))
    line = next(number for number, (here, there) in enumerate(pairs, 1) if here != there)
    click.echo(
        f"{path}:{line}: is not what the registry says; "
        f"write it anew: syslet spec --markdown > {path}"
    )
    return 1
