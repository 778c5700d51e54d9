"""`syslet report`: results of one or many runs as a report."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from syslet_conformance.command_files import write_file
from syslet_conformance.report import Report, Tally
from syslet_conformance.report_markdown import markdown
from syslet_layouts import SysletError


@click.command("report")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write to."
)
def command(results: tuple[Path, ...], output: Path) -> None:
    """Write report.json and report.md of the RESULTS files into a folder.

    Everything is read before anything is written, and each file is replaced as a whole.
    """
    tally = Tally()
    for path in results:
        tally.read(path)
    report = tally.report()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SysletError(f"{output}: {error.strerror}, wanted a folder") from None
    write_file(output / "report.json", as_json(report))
    write_file(output / "report.md", markdown(report).encode())


def as_json(report: Report) -> bytes:
    """The bytes of ``report.json``."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
