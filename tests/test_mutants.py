"""The suite catches every mutant, and every MUST has one."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

import mutants
import pytest
from mutation import judge

from syslet_conformance.registry import AREAS, REQUIREMENTS, Level

NOT_AREAS = {"engine", "following", "rewritten"}
"""Files of the folder that hold what mutants are made with."""

JOBS = 2
Key = tuple[str, str]


def _module(area: str) -> ModuleType:
    return importlib.import_module(f"mutants.{area}")


CAUGHT: dict[Key, tuple[str, ...]] = {
    (area, name): ids for area in AREAS for name, ids in _module(area).CAUGHT.items()
}
"""(area, engine) and the requirements whose tests must catch it."""

RIGHT: list[Key] = [(area, name) for area in AREAS for name in getattr(_module(area), "RIGHT", ())]
"""(area, engine): unusual, and right in all that its area requires."""


def test_every_must_has_a_mutant_and_every_id_is_known() -> None:
    named = {id_ for ids in CAUGHT.values() for id_ in ids}
    musts = {id_ for id_, row in REQUIREMENTS.items() if row.level is Level.MUST}
    assert sorted(musts - named) == []
    assert sorted(named - set(REQUIREMENTS)) == []
    assert all(CAUGHT.values())


def test_every_engine_of_the_area_files_is_listed() -> None:
    files = {module.name for module in pkgutil.iter_modules(mutants.__path__)}
    assert files == {*AREAS, *NOT_AREAS}
    for area in AREAS:
        module = _module(area)
        classes = {
            name
            for name, value in vars(module).items()
            if isinstance(value, type)
            and value.__module__ == module.__name__
            and not name.startswith("_")
        }
        assert classes == {*module.CAUGHT, *getattr(module, "RIGHT", ())}, area


@pytest.fixture(scope="session")
def judged(request: pytest.FixtureRequest) -> dict[Key, dict[str, list[str]]]:
    """What the suite made of the mutants that the selected tests name."""
    orders: dict[Key, str] = {}
    for item in request.session.items:
        if "judged" in getattr(item, "fixturenames", ()):
            callspec: Any = vars(item)["callspec"]
            area, name = callspec.params["mutant"]
            right = (area, name) in RIGHT
            rows = [i for i, row in REQUIREMENTS.items() if row.area == area]
            ids = ["all", *rows] if right else CAUGHT[area, name]
            orders[area, name] = " ".join((f"mutants.{area}", name, *ids))
    found = judge(orders.values(), JOBS)
    return {(module.removeprefix("mutants."), name): line for (module, name), line in found.items()}


@pytest.mark.timeout(1000)
@pytest.mark.parametrize("mutant", CAUGHT, ids="-".join)
def test_a_mutant_is_caught_by_the_tests_of_what_it_breaks(
    mutant: Key, judged: dict[Key, dict[str, list[str]]]
) -> None:
    assert mutant in judged, "its process ended without an answer"
    missed = sorted(set(CAUGHT[mutant]) - set(judged[mutant]["caught"]))
    assert missed == [], "not caught by the tests of these"


@pytest.mark.timeout(1000)
@pytest.mark.parametrize("mutant", RIGHT, ids="-".join)
def test_an_engine_that_is_unusual_and_right_is_not_caught(
    mutant: Key, judged: dict[Key, dict[str, list[str]]]
) -> None:
    assert mutant in judged, "its process ended without an answer"
    assert judged[mutant]["seen"] == []
