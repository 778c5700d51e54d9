"""What tests the suite has, and which requirements each of them checks.

The modules are imported and their marks are read; nothing is run.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from syslet_conformance.registry import AREAS, REQUIREMENTS, Level
from syslet_layouts import SysletError

SUITE = "syslet_conformance.suite"
"""The package that holds the suite's modules."""


class InventoryError(SysletError):
    """A suite that cannot be counted: it is empty, or a part of it would not be run."""


@dataclass(frozen=True, slots=True)
class SuiteTest:
    """One test function of the suite.

    `name` is ``chaining::test_x``, `file` is ``test_chaining.py`` or one of several of the
    area, ``test_chaining_PART.py``; `requirements` are the ids in the order in which `checks`
    names them, `doc` is the first line of the docstring.
    """

    name: str
    area: str
    file: str
    requirements: tuple[str, ...]
    doc: str

    @property
    def function(self) -> str:
        """The name of the function alone."""
        return self.name.partition("::")[2]


def suite_tests(package: str = SUITE) -> list[SuiteTest]:
    """Every test of the suite: areas in the order of `AREAS`, tests in that of their files.

    A function that is defined twice in a file is there twice. InventoryError where the
    suite or one of its modules has no test, a module is for no area or does not import, a
    test is not a function of its own module, or one has more than one `checks`.
    """
    names = _module_names(package)
    for name in sorted(names):
        if area_of(name) not in AREAS:
            raise InventoryError(
                f"{package}.{name}: no area {area_of(name)!r}; wanted one of {', '.join(AREAS)}"
            )
    tests: list[SuiteTest] = []
    for name in sorted(names, key=lambda name: (AREAS.index(area_of(name)), name)):
        found = list(_tests(_imported(f"{package}.{name}"), name))
        if not found:
            raise InventoryError(f"{package}.{name}: no test in it")
        tests += found
    if not tests:
        raise InventoryError(f"{package}: no test modules in it")
    return tests


def area_of(module: str) -> str:
    """The area whose tests the module ``test_AREA`` or ``test_AREA_PART`` holds."""
    return module.removeprefix("test_").partition("_")[0]


def coverage(tests: Sequence[SuiteTest]) -> dict[str, list[SuiteTest]]:
    """For every requirement of the registry, the tests that check it."""
    return {name: [test for test in tests if name in test.requirements] for name in REQUIREMENTS}


def suite_gaps(tests: Sequence[SuiteTest]) -> list[str]:
    """What keeps the suite from being able to judge, a line each; empty when nothing does.

    A MUST that no test checks, a test that checks no requirement, and a test function's
    name that is there twice.
    """
    gaps = [
        f"{name}: MUST without a test"
        for name, checkers in coverage(tests).items()
        if REQUIREMENTS[name].level is Level.MUST and not checkers
    ]
    gaps += [f"{test.name}: checks no requirement" for test in tests if not test.requirements]
    for function, count in Counter(test.function for test in tests).items():
        if count > 1:
            places = ", ".join(test.name for test in tests if test.function == function)
            gaps.append(f"{function}: {count} tests of that name: {places}")
    return gaps


def _module_names(package: str) -> list[str]:
    found = pkgutil.iter_modules(_imported(package).__path__)
    return [module.name for module in found if module.name.startswith("test_")]


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except SysletError as error:
        raise InventoryError(f"{name} does not import: {error}") from error
    except Exception as error:
        line = " ".join(str(error).split())
        raise InventoryError(f"{name} does not import: {type(error).__name__}: {line}") from error


def _tests(module: ModuleType, module_name: str) -> Iterator[SuiteTest]:
    area = area_of(module_name)
    defined = _defined_tests(module)
    for name, value in vars(module).items():
        a_class = name.startswith("Test") and isinstance(value, type)
        a_stranger = name.startswith("test") and callable(value) and name not in defined
        if a_class or a_stranger:
            raise InventoryError(f"{module.__name__}: {name} is no test function defined there")
    for name in defined:
        function: Any = getattr(module, name, None)
        if not isinstance(function, FunctionType):
            raise InventoryError(f"{module.__name__}: {name} is not a function any more")
        yield SuiteTest(
            name=f"{area}::{name}",
            area=area,
            file=f"{module_name}.py",
            requirements=_checked(f"{area}::{name}", function),
            doc=(inspect.getdoc(function) or "").partition("\n")[0],
        )


def _defined_tests(module: ModuleType) -> list[str]:
    """Names of the test functions of a module's text, one defined twice being there twice."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(inspect.getsource(module))
    return [
        node.name
        for node in tree.body
        if isinstance(node, functions) and node.name.startswith("test")
    ]


def _checked(name: str, function: Any) -> tuple[str, ...]:
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "checks"]
    if len(marks) > 1:
        raise InventoryError(f"{name}: more than one checks() on it; name every id in one")
    return tuple(marks[0].args) if marks else _checked_by_parameters(name, function)


def _checked_by_parameters(name: str, function: Any) -> tuple[str, ...]:
    """What each parameter of a test checks by itself, each id once; all of them do, or none."""
    found: list[tuple[str, ...]] = []
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "parametrize":
            for parameters in mark.args[1]:
                of_one = getattr(parameters, "marks", ())
                found += [own.args for own in of_one if own.name == "checks"] or [()]
    if any(found) and not all(found):
        raise InventoryError(f"{name}: a parameter without checks() beside some with it")
    return tuple(dict.fromkeys(one for ids in found for one in ids))
