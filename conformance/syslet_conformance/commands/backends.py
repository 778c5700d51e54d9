"""`syslet backends`: which engines can be judged here, and why others cannot."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from syslet_conformance.backends import reference


@click.command("backends")
def command() -> None:
    """List the engines that are available, with their ABIs."""
    table = Table(box=None, pad_edge=False)
    for heading in ("backend", "ABIs", "what it is"):
        table.add_column(heading, overflow="fold")
    embedded = reference()
    table.add_row(embedded.name, ", ".join(embedded.abis), embedded.note)
    table.add_row("python:MODULE:ATTR", "its own", "a callable that takes an ABI, in process")
    Console().print(table)
