"""The pytest plugin: fixtures, parameters, and verdicts for the suite's tests.

``pytest --pyargs syslet_conformance.suite --syslet-backend=NAME`` runs the suite in a plain
pytest. It does nothing for tests that are not the suite's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from syslet_conformance.backends import Backend
    from syslet_conformance.contract import Engine
    from syslet_conformance.results import Evidence
    from syslet_conformance.rig import Rig

CHECKS_MARKER = "checks(*ids): the requirements that a test of the suite checks"
"""The marker that `registry.checks` gives; written here since every pytest loads this file."""

MODES_MARKER = "both_modes: a test that runs a program, cached permitted and forced asynchronous"

RIG: pytest.StashKey[Rig] = pytest.StashKey()
"""What the test works with."""

EVIDENCE: pytest.StashKey[Evidence | None] = pytest.StashKey()
"""What a test that failed did; whoever wants it puts None there before."""

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
    options.addoption("--syslet-patience", type=float, default=1.0, help="factor of every limit")
    options.addoption("--syslet-mode", choices=("cached", "async"), help="only this mode")


def pytest_configure(config: pytest.Config) -> None:
    """Register the suite's markers, and take the patience that was asked for."""
    config.addinivalue_line("markers", CHECKS_MARKER)
    config.addinivalue_line("markers", MODES_MARKER)
    patience = config.getoption("--syslet-patience")
    if patience != 1:
        from syslet_conformance.patience import be_patient

        be_patient(patience)


def _is_suite(module: str | None) -> bool:
    return module is not None and module.startswith("syslet_conformance.suite.")


def _backend(config: pytest.Config) -> Backend:
    from syslet_conformance.backends import backend_named
    from syslet_layouts import SysletError

    try:
        return backend_named(config.getoption("--syslet-backend"), config.getoption("--syslet-abi"))
    except SysletError as error:
        raise pytest.UsageError(str(error)) from None


def _abis(config: pytest.Config, backend: Backend) -> tuple[str, ...]:
    """The ABIs of the run: those that were asked for, or all that the engine speaks."""
    chosen: list[str] = config.getoption("--syslet-abi")
    for name in chosen:
        if name not in backend.abis:
            raise pytest.UsageError(
                f"--syslet-abi {name}: {backend.name} speaks {', '.join(backend.abis)}"
            )
    return tuple(chosen) or backend.abis


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test on every ABI of the engine; a program test in both modes."""
    if not _is_suite(metafunc.module.__name__) or "rig" not in metafunc.fixturenames:
        return
    from syslet_conformance.rig import MODES, Way

    modes: Sequence[str | None] = (None,)
    if metafunc.definition.get_closest_marker("both_modes"):
        wanted = metafunc.config.getoption("--syslet-mode")
        modes = [wanted] if wanted else MODES
    abis = _abis(metafunc.config, _backend(metafunc.config))
    ways = [Way(abi, mode) for mode in modes for abi in abis]
    metafunc.parametrize("rig", ways, indirect=True, ids=map(str, ways))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A hang ends by pytest-timeout."""
    from syslet_conformance.patience import patient_s

    for item in items:
        module = item.getparent(pytest.Module)
        if module is not None and _is_suite(module.obj.__name__):
            item.add_marker(pytest.mark.timeout(patient_s(TIMEOUT_S)))


class _Engines:
    """One engine for each ABI of the run, opened when first wanted, replaced when spent."""

    def __init__(self, config: pytest.Config) -> None:
        self.backend = _backend(config)
        self.abis = _abis(config, self.backend)
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

    def close(self) -> None:
        for abi in list(self.engines):
            self.drop(abi)


_ENGINES: pytest.StashKey[_Engines] = pytest.StashKey()


def _engines(session: pytest.Session) -> _Engines:
    """The engines of the run. No fixture, since each costs every test that leads to it."""
    if _ENGINES not in session.stash:
        engines = session.stash[_ENGINES] = _Engines(session.config)

        def close() -> None:
            del session.stash[_ENGINES]
            engines.close()

        session.addfinalizer(close)
    return session.stash[_ENGINES]


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[object]:
    """The engine under test on one ABI, in the test's mode."""
    from syslet_conformance.calls import Hang
    from syslet_conformance.contract import Talking
    from syslet_conformance.rig import Rig

    node, way = request.node, request.param
    abi, engines = way.abi, _engines(request.session)
    engine = engines.get(abi)
    if isinstance(engine, Talking):
        engine.said = b""
    run_seed = request.config.getoption("--hypothesis-seed", default=None)
    rig = Rig(engine, way, engines.abis, run_seed or "0")
    node.stash[RIG] = rig
    yield rig
    report, error = node.stash.get(_REPORT, None), node.stash.get(ERROR, None)
    if (report is None or report.failed) and EVIDENCE in node.stash:
        from syslet_conformance.evidence import gathered

        node.stash[EVIDENCE] = gathered(rig.sessions, error)
    if isinstance(error, Hang):
        engines.leave(abi)
    elif report is None or report.failed or rig.is_spent:
        engines.drop(abi)
    else:
        rig.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the report of the call for the fixture; a missing system call is a skip."""
    if not isinstance(item, pytest.Function) or not _is_suite(item.module.__name__):
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
