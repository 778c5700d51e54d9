"""``syslet disasm``: an image file, or bare memory, to program text."""

from __future__ import annotations

from pathlib import Path

import click

from syslet_conformance.command_files import read_file, write_file
from syslet_conformance.image import disassemble, disassemble_raw
from syslet_conformance.program import Program, ProgramError
from syslet_conformance.text import format_program
from syslet_layouts import ABIS, SysletError, abi_named

FILE = click.Path(path_type=Path)


def number(text: str) -> int:
    """The number that `text` is, decimal or hexadecimal. ValueError, which click reports."""
    return int(text, 0)


@click.command("disasm")
@click.argument("image", type=FILE)
@click.option("-o", "--output", type=FILE, help="The file to write; else stdout.")
@click.option("--raw", is_flag=True, help="IMAGE is bare memory: follow it from --entry.")
@click.option("--abi", "abi_name", type=click.Choice(list(ABIS)), help="With --raw: its ABI.")
@click.option("--base", type=number, help="With --raw: address of its first byte.  [default: 0]")
@click.option("--entry", type=number, help="With --raw: address of an atom.  [default: base]")
def command(
    image: Path,
    output: Path | None,
    raw: bool,
    abi_name: str | None,
    base: int | None,
    entry: int | None,
) -> None:
    """Print the program in IMAGE as text. Nothing of it is run."""
    text = format_program(_program(image, raw, abi_name, base, entry))
    if output is None or str(output) == "-":
        click.echo(text, nl=False)
    else:
        write_file(output, text.encode())


def _program(
    image: Path, raw: bool, abi_name: str | None, base: int | None, entry: int | None
) -> Program:
    if raw and abi_name is None:
        raise SysletError(f"--raw without --abi, wanted --abi with one of {', '.join(ABIS)}")
    if not raw and (abi_name, base, entry) != (None, None, None):
        raise SysletError("--abi, --base or --entry without --raw: an image file says them itself")
    data = read_file(image)
    try:
        if abi_name is None:
            return disassemble(data)
        base = base or 0
        return disassemble_raw(abi_named(abi_name), data, base, base if entry is None else entry)
    except ProgramError as error:
        raise ProgramError(f"{image}: {error}") from None
