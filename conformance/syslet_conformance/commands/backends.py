"""`syslet backends`: which engines can be judged here, and why others cannot."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from syslet_conformance.backends import (
    NATIVE,
    NATIVE32,
    NATIVE32_ABI,
    NATIVE32_NOTE,
    native,
    reference,
)
from syslet_conformance.check_backend import check
from syslet_conformance.plug_ins import installed, installed_offer
from syslet_layouts import ABIS, SysletError, abi_named
from syslet_native.c_compiler import why_not


@click.command("backends")
@click.option("--check", "backend", help="Take a first look at this one instead.")
@click.option("--abi", type=click.Choice(list(ABIS)), help="With --check: on this ABI.")
@click.pass_context
def command(context: click.Context, backend: str | None, abi: str | None) -> None:
    """List the engines that are available, with their ABIs.

    --check BACKEND asks one for the first things, and says whether the harness, the protocol or
    the engine is at fault. Exit 0: nothing is; 1: the engine or its protocol; 2: the harness.
    """
    if backend is not None:
        context.exit(check(backend, abi_named(abi) if abi else None, Console(highlight=False)))
    if abi is not None:
        raise click.UsageError("--abi goes with --check")
    table = Table(box=None, pad_edge=False)
    for heading in ("backend", "ABIs", "what it is"):
        table.add_column(heading, overflow="fold")
    for row in (
        _embedded(),
        _native(),
        _native32(),
        ("lib:PATH", "its own", "a shared library with the calls of syslet.h"),
        ("exec:COMMAND", "its own", "a program that speaks the engine protocol"),
        ("python:MODULE:ATTR", "its own", "a callable that takes an ABI, in process"),
        *_installed(),
    ):
        table.add_row(*map(escape, row))
    Console().print(table)


def _embedded() -> tuple[str, str, str]:
    embedded = reference()
    return embedded.name, ", ".join(embedded.abis), embedded.note


def _native() -> tuple[str, str, str]:
    try:
        found = native()
    except SysletError as error:
        return NATIVE, "none", f"not available: {str(error).removeprefix('backend native: ')}"
    return NATIVE, ", ".join(found.abis), found.note


def _native32() -> tuple[str, str, str]:
    """It is built when it is first run; here it is only seen whether it can be."""
    reason = why_not("ilp32")
    if reason:
        return NATIVE32, "none", f"not available: {reason}"
    return NATIVE32, NATIVE32_ABI, NATIVE32_NOTE


def _installed() -> list[tuple[str, str, str]]:
    """What other packages offer."""
    rows = []
    for name in sorted(installed()):
        try:
            found = installed_offer(name)
            rows.append((name, ", ".join(found.abis), found.note))
        except SysletError as error:
            reason = str(error).removeprefix(f"backend {name}: ")
            rows.append((name, "none", f"not available: {reason}"))
    return rows
