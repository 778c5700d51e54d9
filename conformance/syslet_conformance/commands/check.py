"""``syslet check``: is a program valid, and is there something fishy about it."""

from __future__ import annotations

from pathlib import Path

import click

from syslet_conformance.command_files import read_program
from syslet_conformance.suspicions import suspicions
from syslet_layouts import SysletError

FILE = click.Path(path_type=Path)


@click.command("check")
@click.argument("programs", metavar="PROGRAM...", type=FILE, nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Exit 1 if there is a warning.")
@click.pass_context
def command(ctx: click.Context, programs: tuple[Path, ...], strict: bool) -> None:
    """Check each PROGRAM, a .syslet file: errors, and what is allowed and hardly meant.

    Every file is looked at, whatever is wrong with those before it. Exit 2 when one has an
    error; warnings alone leave it 0, or 1 with --strict. Nothing is run.
    """
    warnings = 0
    errors: list[str] = []
    for path in programs:
        try:
            text = read_program(path)
        except SysletError as error:
            errors.append(str(error))
            continue
        for suspicion in suspicions(text.program):
            line = text.line(suspicion.place)
            click.echo(f"{path}:{line}: warning: {suspicion.message} [{suspicion.rule}]")
            warnings += 1
    if errors:
        raise SysletError("\n".join(errors))
    if warnings and strict:
        ctx.exit(1)
