"""``syslet asm``: program text to an image file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from syslet_conformance.command_files import read_program, write_file
from syslet_conformance.image import assemble
from syslet_layouts import ABIS, SysletError, abi_named

FILE = click.Path(path_type=Path)


@click.command("asm")
@click.argument("program", type=FILE)
@click.option(
    "--abi",
    "abi_name",
    type=click.Choice(list(ABIS)),
    default="lp64-le",
    show_default=True,
    help="The machine to assemble for.",
)
@click.option(
    "-o", "--output", type=FILE, help="The image file; else PROGRAM with .img, or - for stdout."
)
def command(program: Path, abi_name: str, output: Path | None) -> None:
    """Assemble PROGRAM, a .syslet file, into an image file."""
    target = output or program.with_suffix(".img")
    if target.resolve() == program.resolve():
        raise SysletError(f"{target}: is the program itself, wanted another output (-o)")
    image = assemble(read_program(program).program, abi_named(abi_name))
    if str(target) == "-":
        sys.stdout.buffer.write(image)
        sys.stdout.buffer.flush()
    else:
        write_file(target, image)
