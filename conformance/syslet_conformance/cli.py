"""The `syslet` command: one group, a module for each command.

Every error that a user can cause is a `SysletError`: one line on standard error, exit 2.
"""

from __future__ import annotations

import sys

import click

from syslet_conformance.commands import (
    asm,
    backends,
    check,
    diff,
    disasm,
    fuzz,
    report,
    run,
    serve,
    spec,
)
from syslet_conformance.commands import exec as exec_command
from syslet_layouts import SysletError

CANNOT_JUDGE = 2
"""Exit status where nothing could be judged: usage, no such thing, malformed input."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="syslet-conformance")
def group() -> None:
    """Conformance of syslet engines: judge them, run and look at syslet programs."""


for module in (run, fuzz, report, diff, backends, spec, exec_command, serve, check, asm, disasm):
    group.add_command(module.command)


def main() -> None:
    """Run the command line; exits."""
    try:
        sys.exit(group(standalone_mode=False))
    except click.exceptions.Abort:
        click.echo("syslet: interrupted", err=True)
        sys.exit(CANNOT_JUDGE)
    except click.ClickException as error:
        click.echo(f"syslet: {error.format_message()}", err=True)
        sys.exit(CANNOT_JUDGE)
    except SysletError as error:
        click.echo(f"syslet: {error}", err=True)
        sys.exit(CANNOT_JUDGE)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(CANNOT_JUDGE)
