"""`syslet diff`: what changed between two reports."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from syslet_conformance.command_files import write_file
from syslet_conformance.diff_pages import html_diff, markdown_diff, print_diff, text_diff
from syslet_conformance.report_diff import diff
from syslet_conformance.report_reading import read_any
from syslet_layouts import SysletError

_PAGES = {"text": text_diff, "markdown": markdown_diff, "html": html_diff}

REGRESSION = 1
"""The exit status where a MUST or SHOULD is worse."""


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--engine",
    "renamed",
    multiple=True,
    metavar="OLD=NEW",
    help="An engine that has another name in NEW (repeatable).",
)
@click.option("--format", "kind", type=click.Choice(["text", "markdown", "html"]), default="text")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
@click.pass_context
def command(
    context: click.Context,
    old: Path,
    new: Path,
    renamed: tuple[str, ...],
    kind: str,
    output: Path | None,
) -> None:
    """Compare OLD and NEW: each a file of results, a report.json or a report's folder.

    Exit 0: no regression; 1: a MUST or SHOULD is worse; 2: it could not be compared.
    """
    names = dict(_renaming(one) for one in renamed)
    found = diff(read_any(old), read_any(new), names)
    if kind == "text" and output is None:
        print_diff(found, Console(highlight=False))
    elif output is None:
        click.echo(_PAGES[kind](found), nl=False)
    else:
        write_file(output, _PAGES[kind](found).encode())
    context.exit(REGRESSION if found.regressions else 0)


def _renaming(words: str) -> tuple[str, str]:
    old, equals, new = words.partition("=")
    if not (old and equals and new):
        raise SysletError(f"--engine {words}: wanted OLD=NEW")
    return old, new
