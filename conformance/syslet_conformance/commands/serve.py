"""``syslet serve``: an engine of this package, for a harness that speaks the engine protocol."""

from __future__ import annotations

import os
import sys
import traceback

import click

from syslet_conformance.backends import backend_named
from syslet_conformance.server import Server
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
    requests, answers = _out_of_the_way(0), _out_of_the_way(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    status = 1
    try:
        Server(chosen, requests, answers, abi or "").serve()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)  # whatever is blocked in a thread


def _out_of_the_way(fd: int) -> int:
    """A copy that no child inherits: atoms may write to the descriptor itself."""
    return os.dup(fd)
