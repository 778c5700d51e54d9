"""`syslet report`: results of one or many runs as a report."""

from __future__ import annotations

from pathlib import Path

import click

from syslet_conformance.junit import Cases
from syslet_conformance.report_files import check_folder, write_report
from syslet_conformance.report_reading import read_report
from syslet_conformance.report_trend import with_history
from syslet_conformance.tally import Tally


@click.command("report")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write to."
)
@click.option(
    "--history",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An older report, whose trend goes on in this one (repeatable).",
)
def command(results: tuple[Path, ...], output: Path, history: tuple[Path, ...]) -> None:
    """Write a report of the RESULTS files: a page, JSON, Markdown, JUnit XML and a badge.

    Everything is read and made before anything is replaced.
    """
    check_folder(output)
    older = [read_report(path) for path in history]
    with Cases() as cases:
        tally = Tally(cases)
        for path in results:
            tally.read(path)
        report = tally.report()
        for note in tally.unused:
            click.echo(f"syslet: {note}", err=True)
        with_history(report, older)
        write_report(report, output, cases)
