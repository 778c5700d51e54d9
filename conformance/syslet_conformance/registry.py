"""The requirements of a syslet engine, by id; the data is ``requirements.toml``.

Tests name what they check with `checks`, so that an id that is no requirement fails when
the test is imported and not when somebody counts.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from syslet_layouts import SysletError

if TYPE_CHECKING:
    import pytest

AREAS = ("layout", "arguments", "chaining", "skip", "running", "ring", "waiting", "faults")
"""The areas in their order; the suite has ``test_<area>.py`` for each, or several
``test_<area>_<part>.py``."""

SOURCES = ("doc", "abi", "client", "ruling")
"""Where a requirement comes from, strongest first."""

_KEYS = ("id", "area", "level", "sources", "section", "text")
_ID = re.compile(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*")
_SECTION = re.compile(r"[^,;]+, [1-9][0-9]*(; [^,;]+, [1-9][0-9]*)*")


class RegistryError(SysletError):
    """An id that names no requirement, or a registry that cannot be."""


class Level(StrEnum):
    """How binding a requirement is."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row: what an engine has to do, how binding that is, and who says so.

    `sources` are of `SOURCES`, strongest first. `section` names section and sentence of the
    design document (``Running Syslets, 5``; several with ``;`` between); it is empty
    where the document is not a source.
    """

    id: str
    area: str
    level: Level
    sources: tuple[str, ...]
    section: str
    text: str


if TYPE_CHECKING:
    REQUIREMENTS: dict[str, Requirement]
    """Every requirement by id, in the order of the reports. Loaded at its first use."""


def __getattr__(name: str) -> Any:
    if name == "REQUIREMENTS":
        return _requirements()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def requirement(id: str) -> Requirement:
    """The requirement of that id. RegistryError with the nearest ids that there are."""
    known = _requirements()
    try:
        return known[id]
    except KeyError:
        near = difflib.get_close_matches(id, known, n=3, cutoff=0.5)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise RegistryError(f"no requirement {id!r}{hint}") from None


def checks(*ids: str) -> pytest.MarkDecorator:
    """Mark a test with the requirements that it checks; at most once on a test.

    ``item.get_closest_marker("checks").args`` gives the ids back. RegistryError for no id,
    an unknown one, or one given twice.
    """
    import pytest

    if not ids:
        raise RegistryError("checks() without a requirement id")
    for name in ids:
        requirement(name)
        if ids.count(name) > 1:
            raise RegistryError(f"checks() names {name} twice")
    return pytest.mark.checks(*ids)


def parse_requirements(text: str) -> dict[str, Requirement]:
    """The registry that a TOML text holds.

    RegistryError with one line for text that is no TOML, an unknown or a missing key, an
    id twice, and a level, an area, a source or a section that cannot be.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"requirements: {error}") from None
    rows = document.pop("requirement", [])
    if document:
        raise RegistryError(f"requirements: unknown key {_listed(document)}")
    if not isinstance(rows, list) or not rows:
        raise RegistryError("requirements: wanted [[requirement]] tables, got none")
    requirements: dict[str, Requirement] = {}
    for number, row in enumerate(rows, 1):
        made = _requirement(f"requirement {number}", row)
        if made.id in requirements:
            raise RegistryError(f"requirement {number}: {made.id} is there twice")
        requirements[made.id] = made
    return requirements


@cache
def _requirements() -> dict[str, Requirement]:
    data = files("syslet_conformance").joinpath("requirements.toml")
    return parse_requirements(data.read_text(encoding="utf-8"))


def _requirement(where: str, row: object) -> Requirement:
    if not isinstance(row, dict):
        raise RegistryError(f"{where}: wanted a table, got {row!r}")
    if isinstance(row.get("id"), str):
        where = f"{where} ({row['id']})"
    if unknown := row.keys() - set(_KEYS):
        raise RegistryError(f"{where}: unknown key {_listed(unknown)}")
    if missing := set(_KEYS) - {"section"} - row.keys():
        raise RegistryError(f"{where}: missing key {_listed(missing)}")
    name, area, level, section, text = (
        _string(where, key, row.get(key, "")) for key in _KEYS if key != "sources"
    )
    sources = row["sources"]
    if not _ID.fullmatch(name):
        raise RegistryError(f"{where}: bad id {name!r}; wanted group.words-with-dashes")
    _one_of(where, "area", area, AREAS)
    _one_of(where, "level", level, tuple(Level))
    if not isinstance(sources, list) or not sources:
        raise RegistryError(f"{where}: bad sources {sources!r}; wanted a list of names")
    for source in sources:
        _one_of(where, "source", source, SOURCES)
    if ("doc" in sources) != bool(section):
        raise RegistryError(f"{where}: a section goes with the source doc, and only with it")
    if section and not _SECTION.fullmatch(section):
        raise RegistryError(f"{where}: bad section {section!r}; wanted 'Title, sentence number'")
    if not text.strip():
        raise RegistryError(f"{where}: empty text")
    return Requirement(name, area, Level(level), tuple(sources), section, text)


def _string(where: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise RegistryError(f"{where}: bad {key} {value!r}; wanted a string")
    return value


def _one_of(where: str, what: str, value: object, wanted: Iterable[str]) -> None:
    if value not in tuple(wanted):
        raise RegistryError(f"{where}: bad {what} {value!r}; wanted one of {', '.join(wanted)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
