"""The native engine in this process: options, faults of others, programs."""

from __future__ import annotations

import os
import select as select
import subprocess
import sys
from pathlib import Path

import pytest

import syslet_native
from syslet_conformance.backends import backend_named
from syslet_conformance.builder import Build
from syslet_conformance.calls import make
from syslet_conformance.session import Session
from syslet_layouts import ABIS, SysletError, abi_named

pytestmark = pytest.mark.skipif(
    bool(syslet_native.why_not_available()), reason=syslet_native.why_not_available()
)

GREETING = "Hello Syslet World!"
PROGRAMS = Path(__file__).parent.parent / "fixtures" / "programs"


def python(script: str, *words: str, limit_s: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=limit_s,
    )


SYSLET = "from syslet_conformance.cli import main; main()"


def test_hello_world_really_writes() -> None:
    program = str(PROGRAMS / "hello_world.syslet")
    ran = python(SYSLET, "exec", program, "--backend", "native")
    assert ran.returncode == 0, ran.stderr
    assert "Hello Syslet World!\n" in ran.stdout
    assert "got &hello" in ran.stdout


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.syslet")), ids=lambda path: path.stem)
def test_a_program_comes_to_the_same_as_on_the_reference(program: Path) -> None:
    """Line by line, but for what comes when it comes: the greeting, and who is first."""
    said = {}
    for backend in ("native", "reference"):
        words = ["exec", str(program), "--backend", backend, "--no-trace"]
        ran = python(SYSLET, *words)
        assert ran.returncode == 0, ran.stderr
        lines = (line for line in ran.stdout.splitlines() if line != GREETING)
        said[backend] = [sorted(line.replace(",", "").split()) for line in lines]
    assert said["native"] == said["reference"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("backend", ["native", "native32"])
def test_every_requirement_holds(backend: str) -> None:
    try:
        backend_named(backend)
    except SysletError as error:
        pytest.skip(str(error))
    ran = python(SYSLET, "run", backend, "--jobs", "2", limit_s=360)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "80 requirements judged on 1 ABI by" in ran.stdout
    assert "fail" not in ran.stdout


@pytest.mark.parametrize(
    "variant", ["WithoutUring", "WithoutNowait", "WithoutPerf", "WithoutAio", "WithoutAny"]
)
def test_without_its_means_the_engine_does_all_the_same(variant: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "NO_COLOR": "1"}
    words = ["run", f"python:native_variants:{variant}"]
    words += ["-k", "test_running or test_waiting or test_ring"]
    ran = subprocess.run(
        [sys.executable, "-c", SYSLET, *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=110,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_final_atom_is_returned_where_that_was_asked_for() -> None:
    from native_variants import ReturnsFinal

    build = Build()
    last = build.result(1, label="last")
    first = build.result(1, next=last, label="first")
    chosen = backend_named("native")
    abi = abi_named(chosen.abis[0])
    for open_engine, expected in ((chosen.open, first), (ReturnsFinal, last)):
        engine = open_engine(abi)
        try:
            session = Session(engine, build.program())
            assert session.exec(first) == session.address(expected)
        finally:
            engine.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"without": ["epoll"]}, "without 'epoll'; wanted nowait, io_uring, perf, aio"),
        ({"cached_return": "last"}, "cached_return 'last'; wanted first or final"),
    ],
    ids=["means", "cached-return"],
)
def test_an_unknown_option_is_refused(options: dict[str, object], said: str) -> None:
    from syslet_native.engine import NativeEngine

    abi = abi_named(backend_named("native").abis[0])
    with pytest.raises(SysletError, match=said):
        NativeEngine(abi, **options)  # type: ignore[arg-type]


def test_another_abi_and_a_second_engine_are_refused() -> None:
    from syslet_native.engine import NativeEngine

    abi = abi_named(backend_named("native").abis[0])
    with pytest.raises(SysletError, match="wanted lp64-be"):
        NativeEngine(abi_named("lp64-be"))
    engine = NativeEngine(abi)
    try:
        with pytest.raises(SysletError, match="one engine a process"):
            NativeEngine(abi)
    finally:
        engine.close()
    engine.close()


def test_pythons_faulthandler_still_sees_the_faults_that_are_not_the_engines() -> None:
    script = """
import ctypes, faulthandler
faulthandler.enable()
from syslet_layouts import abi_named
from syslet_native.engine import ABI_NAME, NativeEngine
engine = NativeEngine(abi_named(ABI_NAME))
assert engine.exec(8, 0) == engine.abi.word_mask - 13
print("the engine's own", flush=True)
ctypes.string_at(8)
"""
    ran = python(script)
    assert ran.stdout == "the engine's own\n"
    assert "Fatal Python error: Segmentation fault" in ran.stderr
    assert ran.returncode == -11


def test_a_package_without_the_engine_says_why() -> None:
    script = """
import sys
sys.modules["syslet_native._engine"] = None
from syslet_conformance.cli import main
main()
"""
    ran = python(script, "run", "native")
    assert ran.returncode == 2
    assert ran.stderr.startswith("syslet: backend native: it was not built")
    assert ran.stderr.count("\n") == 1


REAL_POLL = select.poll


class _Thief:
    """A poll that is right when it looks; then somebody else takes what it saw."""

    def __init__(self) -> None:
        self._real, self._fds = REAL_POLL(), list[int]()

    def register(self, fd: int, events: int) -> None:
        self._real.register(fd, events)
        self._fds.append(fd)

    def poll(self, timeout: int) -> list[tuple[int, int]]:
        ready = self._real.poll(timeout)
        if ready:
            os.read(self._fds[0], 1)
        return ready


def test_a_drain_does_not_wait_for_what_another_took(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = backend_named("native", []).open(ABIS["lp64-le"])
    reader, writer = engine.pipe()
    monkeypatch.setattr("syslet_native.engine.select.poll", _Thief)
    engine.feed(writer, b"x")
    call = make("drain", lambda: len(engine.drain(reader, 1)))
    assert call.join(10) == 1
    assert engine.drain(reader, 1) == b""
    engine.close()
