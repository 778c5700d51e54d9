"""A find becomes a program that the suite runs from then on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from syslet_conformance.command_files import read_program, write_file
from syslet_conformance.fuzz import finds
from syslet_conformance.regression_files import SUFFIX, validated
from syslet_conformance.text import format_program
from syslet_layouts import SysletError

PROGRAM = "program.syslet"
"""The file of a find that holds its program."""


def promote(find_directory: Path, regressions_directory: Path, ids: tuple[str, ...]) -> Path:
    """Write the find's program among the regressions, as what checks these ids; its path there.

    Its name is the find's difference and a hash of its program. SysletError for an unknown id, a
    find or a program that cannot be read, a program that is there, and a directory that is not.
    """
    validated(ids, "promote")
    find = finds.read(find_directory)
    program = format_program(read_program(find_directory / PROGRAM).program)
    hashed = hashlib.sha256(program.encode()).hexdigest()[:8]
    for other in sorted(regressions_directory.glob(f"*{SUFFIX}")):
        if format_program(read_program(other).program) == program:
            raise SysletError(f"{other}: the same program is there")
    target = regressions_directory / f"{finds.slug(find.difference) or 'find'}-{hashed}{SUFFIX}"
    if target.exists():
        raise SysletError(f"{target}: a file is there")
    head = [f"# {_line(find.difference)}", f"# Found on {_line(find.backend)} ({_line(find.abi)})"]
    head.append(f"# checks: {' '.join(ids)}")
    write_file(target, ("\n".join(head) + "\n" + program).encode())
    return target


def _line(text: str) -> str:
    """The text as part of one line of a comment."""
    return "".join(char if char.isprintable() else "?" for char in text)
