"""The pytest plugin: fixtures, parameters, and verdicts for the suite's tests.

``pytest --pyargs syslet_conformance.suite --syslet-backend=NAME`` runs the suite in a plain
pytest. It does nothing for tests that are not the suite's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from syslet_conformance.backends import Backend
    from syslet_conformance.contract import Engine
    from syslet_conformance.rig import Rig

CHECKS_MARKER = "checks(*ids): the requirements that a test of the suite checks"
"""The marker that `registry.checks` gives; written here since every pytest loads this file."""

RIG: pytest.StashKey[Rig] = pytest.StashKey()
"""What the test works with."""

ERROR: pytest.StashKey[BaseException] = pytest.StashKey()
"""What the test raised last."""

_REPORT: pytest.StashKey[pytest.TestReport] = pytest.StashKey()

TIMEOUT_S = 60
"""When pytest-timeout ends a test of the suite."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The suite's options."""
    options = parser.getgroup("syslet", "conformance of syslet engines")
    options.addoption("--syslet-backend", default="reference", help="the engine to be judged")
    options.addoption("--syslet-abi", action="append", default=[], help="only this ABI")
    options.addoption("--syslet-mode", choices=("cached", "async"), help="only this mode")


def pytest_configure(config: pytest.Config) -> None:
    """Register the suite's marker."""
    config.addinivalue_line("markers", CHECKS_MARKER)


def _is_suite(module: str | None) -> bool:
    return module is not None and module.startswith("syslet_conformance.suite.")


def _backend(config: pytest.Config) -> Backend:
    from syslet_conformance.backends import backend_named
    from syslet_layouts import SysletError

    try:
        return backend_named(config.getoption("--syslet-backend"), config.getoption("--syslet-abi"))
    except SysletError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test on every ABI of the engine; a program test in both modes."""
    if not _is_suite(metafunc.module.__name__):
        return
    from syslet_conformance.rig import MODES

    if "mode" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--syslet-mode")
        metafunc.parametrize("mode", [wanted] if wanted else MODES, indirect=True)
    if "rig" in metafunc.fixturenames:
        backend = _backend(metafunc.config)
        chosen = metafunc.config.getoption("--syslet-abi") or list(backend.abis)
        for name in chosen:
            if name not in backend.abis:
                raise pytest.UsageError(
                    f"--syslet-abi {name}: {backend.name} speaks {', '.join(backend.abis)}"
                )
        metafunc.parametrize("_abi_name", chosen, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A hang ends by pytest-timeout."""
    for item in items:
        module = item.getparent(pytest.Module)
        if module is not None and _is_suite(module.obj.__name__):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


class _Engines:
    """One engine for each ABI, opened when first wanted, replaced after a failure."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.engines: dict[str, Engine] = {}

    def get(self, abi: str) -> Engine:
        from syslet_layouts import abi_named

        if abi not in self.engines:
            self.engines[abi] = self.backend.open(abi_named(abi))
        return self.engines[abi]

    def drop(self, abi: str) -> None:
        engine = self.engines.pop(abi, None)
        if engine is not None:
            engine.close()

    def leave(self, abi: str) -> None:
        """Drop it without a word: what hangs in a call may hang in close too."""
        self.engines.pop(abi, None)


@pytest.fixture(scope="session")
def _engines(request: pytest.FixtureRequest) -> Iterator[_Engines]:
    engines = _Engines(_backend(request.config))
    yield engines
    for abi in list(engines.engines):
        engines.drop(abi)


@pytest.fixture
def _abi_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def mode(request: pytest.FixtureRequest) -> str:
    """``cached`` or ``async``: how the test's syslets are started."""
    return str(request.param)


@pytest.fixture
def rig(request: pytest.FixtureRequest, _engines: _Engines, _abi_name: str) -> Iterator[object]:
    """The engine under test on one ABI, in the test's mode."""
    from syslet_conformance.calls import Hang
    from syslet_conformance.rig import Rig

    mode_name = request.getfixturevalue("mode") if "mode" in request.fixturenames else "cached"
    rig = Rig(_engines.get(_abi_name), mode_name)
    request.node.stash[RIG] = rig
    yield rig
    report = request.node.stash.get(_REPORT, None)
    if isinstance(request.node.stash.get(ERROR, None), Hang):
        _engines.leave(_abi_name)
    elif report is None or report.failed:
        _engines.drop(_abi_name)
    else:
        rig.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the report of the call for the fixture; a missing system call is a skip."""
    if RIG not in item.stash:
        return (yield)
    from syslet_conformance.session import Missing

    if call.excinfo is not None and call.excinfo.errisinstance(Missing):
        message = str(call.excinfo.value)
        call.excinfo = pytest.ExceptionInfo.from_exc_info(
            (pytest.skip.Exception, pytest.skip.Exception(message), call.excinfo.tb)
        )
    report = yield
    if call.excinfo is not None:
        item.stash[ERROR] = call.excinfo.value
    if call.when == "call":
        item.stash[_REPORT] = report
    return report
