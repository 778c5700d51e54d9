"""Programs on which an engine once went wrong, kept as files that the suite runs from then on.

A line ``# checks: ring.wraps wait.at-once`` of such a file names the requirements that it checks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from syslet_conformance.command_files import read_program
from syslet_conformance.program import Program
from syslet_conformance.registry import checks
from syslet_layouts import SysletError

SUFFIX = ".syslet"
_CHECKS = re.compile(r"^# checks:(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Regression:
    """A file's name without its suffix, the requirements that it names, and its program."""

    name: str
    ids: tuple[str, ...]
    program: Program


def regressions(directory: Path | None = None) -> list[Regression]:
    """Those in a directory, by name, or those of this package.

    SysletError where there is none, for a file that is no program, and for ids as `checked_ids`.
    """
    directory = directory or Path(str(files("syslet_conformance").joinpath("regressions")))
    paths = sorted(directory.glob(f"*{SUFFIX}"))
    if not paths:
        raise SysletError(f"{directory}: no *{SUFFIX} in it")
    return [_read(path) for path in paths]


def _read(path: Path) -> Regression:
    program = read_program(path).program
    ids = checked_ids(path.read_text(encoding="utf-8"), str(path))
    return Regression(path.stem, ids, program)


def checked_ids(text: str, source: str) -> tuple[str, ...]:
    """The ids that a file's text names. SysletError for none, an unknown one, one named twice."""
    ids = tuple(one for line in _CHECKS.findall(text) for one in line.split())
    if not ids:
        raise SysletError(f"{source}: no line '# checks: ID ...', wanted one")
    validated(ids, source)
    return ids


def validated(ids: tuple[str, ...], source: str) -> None:
    """Return if each is a requirement's, and none is there twice. SysletError names `source`."""
    try:
        checks(*ids)
    except SysletError as error:
        raise SysletError(f"{source}: {error}") from None
