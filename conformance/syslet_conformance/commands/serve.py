"""``syslet serve``: an engine of this package, for a harness that speaks the engine protocol."""

from __future__ import annotations

import os

import click

from syslet_conformance.backends import backend_named
from syslet_conformance.server import Server, die_of_error
from syslet_layouts import ABIS, SysletError


@click.command("serve")
@click.argument("backend", default="reference")
@click.option(
    "--abi",
    type=click.Choice(list(ABIS)),
    help="The ABI spoken where the harness asks for any; else the first of the engine's.",
)
def command(backend: str, abi: str | None) -> None:
    """Serve BACKEND over the engine protocol, on standard input and output."""
    chosen = backend_named(backend, [abi] if abi else [])
    if abi and abi not in chosen.abis:
        raise SysletError(f"--abi {abi}: backend {backend} speaks {', '.join(chosen.abis)}")
    requests, answers = os.dup(0), os.dup(1)  # atoms may use 0 and 1 themselves
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    try:
        Server(chosen, requests, answers, abi or "").serve()
    except BaseException:
        die_of_error()
    os._exit(0)  # whatever is blocked in a thread
