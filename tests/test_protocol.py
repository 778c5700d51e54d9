"""The client of the engine protocol, against engines that are wrong."""

from __future__ import annotations

import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from syslet_conformance.backends import backend_named
from syslet_conformance.contract import Engine, EngineDied, EngineError, EngineSilent
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.results import read_results
from syslet_conformance.verdicts import Verdict
from syslet_conformance.wire import DATA_BYTES
from syslet_layouts import SysletError, abi_named

HERE = Path(__file__).parent
SCRIPTED = [sys.executable, str(HERE / "scripted_engine.py")]
BASE = 0x1000


def scripted(wrong: str = "nothing", *, answer_s: float = 10.0) -> ProtocolEngine:
    return ProtocolEngine([*SCRIPTED, wrong], name="scripted", answer_s=answer_s)


def test_hello_is_the_description_and_the_abi() -> None:
    engine = scripted()
    assert isinstance(engine, Engine)
    said = engine.describe()
    assert (said.name, said.version, said.build) == ("scripted", "7", "by-hand")
    assert (said.lacks, said.details) == (frozenset(["pipe"]), {"colour": "green"})
    assert (engine.abi.name, engine.abis) == ("ilp32-le", ("ilp32-le",))
    engine.close()
    assert engine.process.returncode == 0


def test_an_engine_that_is_asked_for_an_abi_may_refuse() -> None:
    with pytest.raises(SysletError, match="scripted: hello: ABI lp64-le is not spoken"):
        ProtocolEngine(SCRIPTED, abi_named("lp64-le"), name="scripted")


def test_what_is_too_long_for_a_line_goes_in_parts() -> None:
    engine = scripted()
    data = bytes(range(256)) * 300
    assert len(data) > 2 * DATA_BYTES
    engine.write(BASE, data)
    assert engine.read(BASE, len(data)) == data
    assert engine.read(BASE, 0) == b""
    engine.write(BASE, b"")
    engine.close()


def test_requests_go_on_while_exec_is_outstanding() -> None:
    engine, returned = scripted(), list[int]()
    calls = [
        threading.Thread(target=lambda: returned.append(engine.exec(BASE, 0))) for _ in range(3)
    ]
    for call in calls:
        call.start()
    assert engine.read(BASE, 4) == bytes(4)
    assert engine.syscall_number("read") == 3
    assert engine.syscall_number("vanish") is None
    deadline = time.monotonic() + 10
    while len(returned) < 3:
        assert time.monotonic() < deadline
        engine.write(BASE, b"go on")
    for call in calls:
        call.join()
    assert returned == [0x10] * 3
    engine.close()


def test_noise_on_stderr_is_read_and_bounded() -> None:
    engine = scripted("noise")
    for _ in range(5):
        assert engine.read(BASE, 1) == b"\0"
    engine.close()
    assert engine.said.endswith(b"noise noise \n")
    assert len(engine.said) < 5000


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("another-version", "wanted version 1 of the protocol"),
        ("abi-of-no-table", "no ABI 'vax'"),
        ("short-hello", r"wanted VERSION NAME ENGINE_VERSION ABI key=value\.\.\."),
        ("lacks-what-is-none", "wanted lacks= out of pipe, threads"),
    ],
)
def test_a_hello_that_is_wrong(wrong: str, said: str) -> None:
    with pytest.raises(EngineError, match=f"scripted: hello: answered 'ok .*{said}"):
        scripted(wrong)


def test_a_hello_for_another_abi_than_was_asked_for() -> None:
    words = [*SCRIPTED, "another-abi"]
    with pytest.raises(EngineError, match=r"'ok 1 scripted 7 lp64-be', wanted the ABI ilp32-le"):
        ProtocolEngine(words, abi_named("ilp32-le"))


USES: dict[str, Callable[[ProtocolEngine], object]] = {
    "peek": lambda engine: engine.read(BASE, 4),
    "poke": lambda engine: engine.write(BASE, b"data"),
    "map": lambda engine: engine.map(64),
    "exec": lambda engine: engine.exec(BASE, 0),
}


@pytest.mark.parametrize(
    ("wrong", "use", "said"),
    [
        ("another-tag", "peek", "not an answer: line 2: '12 ok 00': nobody asked 12"),
        ("first-tag-again", "peek", "not an answer: line 2: '1 ok 00': 1 was answered before"),
        ("no-tag", "peek", "not an answer: line 2: 'Segmentation fault': wanted a tag"),
        ("neither-ok-nor-error", "peek", "not an answer: line 2: '2 yes': wanted ok or error"),
        ("endless-line", "peek", "a line has 65536 bytes at most"),
        ("bytes-that-are-none", "peek", "'ok zz', wanted one run of hex digits"),
        ("too-few-bytes", "peek", "peek of 4 bytes: answered 1"),
        ("two-addresses", "map", "'ok 0x10 0x20', wanted a number of 4 bytes"),
        ("no-address", "map", "'ok nowhere', wanted a number of 4 bytes"),
        ("word-too-wide", "exec", "'ok 0x100000000', wanted a number of 4 bytes"),
        ("value-after-poke", "poke", "'ok 1', wanted no value"),
    ],
)
def test_an_answer_that_is_wrong_is_named(wrong: str, use: str, said: str) -> None:
    engine = scripted(wrong)
    with pytest.raises(EngineError) as error:
        USES[use](engine)
    assert said in str(error.value)
    assert str(error.value).startswith("scripted: ")
    engine.close()


def test_what_an_engine_refuses_is_its_message_without_control_characters() -> None:
    engine = scripted("refuses-map")
    with pytest.raises(SysletError) as error:
        engine.map(64)
    assert str(error.value) == "scripted: map: no room?[31m"
    assert not isinstance(error.value, EngineError)
    assert engine.read(BASE, 1) == b"\0"
    engine.close()


def test_an_engine_that_exits_is_dead_with_its_status_and_last_words() -> None:
    engine = scripted("dies")
    for _ in range(2):
        with pytest.raises(EngineDied) as error:
            engine.read(BASE, 4)
        assert "exit status 3; it said:\nit is all over" in str(error.value)
    engine.close()


def test_an_engine_that_is_killed_in_exec_is_dead_by_that_signal_for_every_call() -> None:
    engine = scripted("dies-in-exec")
    with pytest.raises(EngineDied, match="signal SIGSEGV"):
        engine.exec(BASE, 0)
    with pytest.raises(EngineDied, match="signal SIGSEGV"):
        engine.read(BASE, 4)
    engine.close()
    engine.close()


def test_an_engine_that_says_nothing_is_silent() -> None:
    with pytest.raises(EngineSilent, match=r"scripted: no answer to hello within 0\.5 s"):
        scripted("silent-at-hello", answer_s=0.5)
    engine = scripted("silent-at-peek", answer_s=1.0)
    with pytest.raises(EngineSilent, match="no answer to peek within 1 s"):
        engine.read(BASE, 4)
    engine.close()
    assert engine.process.returncode is not None


def test_an_engine_that_does_not_end_is_killed() -> None:
    engine = scripted("never-ends")
    engine.close()
    assert engine.process.returncode == -9


def test_closing_ends_what_is_outstanding() -> None:
    engine, errors = scripted(), list[str]()

    def call() -> None:
        try:
            engine.exec(BASE, 0)
        except EngineError as error:
            errors.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    engine.close()
    thread.join(10)
    assert errors == ["scripted: the engine was closed"]


def test_a_command_speaks_the_abis_that_its_hello_names() -> None:
    command = shlex.join(SCRIPTED)
    assert backend_named(f"exec:{command}").abis == ("ilp32-le",)
    assert backend_named(f"exec:{command} two-abis").abis == ("ilp32-le", "lp64-le")
    assert backend_named(f"exec:{command}", ["ilp32-le"]).abis == ("ilp32-le",)
    with pytest.raises(SysletError, match="ABI lp64-le is not spoken"):
        backend_named(f"exec:{command}", ["lp64-le"])


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("", "backend exec:: wanted exec:COMMAND"),
        ("'", "backend exec:': No closing quotation"),
        ("/nonexistent/x", "exec:/nonexistent/x: /nonexistent/x: No such file or directory"),
        ("cat", "not an answer: line 1: '1 hello 1 any'"),
        ("false", "the engine's process ended: exit status 1"),
    ],
)
def test_a_command_that_is_none(target: str, said: str) -> None:
    with pytest.raises(SysletError) as error:
        backend_named(f"exec:{target}")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "verdict", "said"),
    [
        ("dies-in-exec", Verdict.CRASH, "signal SIGSEGV"),
        ("refuses-map", Verdict.FAIL, "map: no room"),
    ],
)
def test_a_program_that_goes_wrong_costs_each_test_and_the_run_goes_on(
    tmp_path: Path, wrong: str, verdict: Verdict, said: str
) -> None:
    backend = f"exec:{shlex.join([*SCRIPTED, wrong])}"
    script = "from syslet_conformance.cli import main; main()"
    words = ["run", backend, "-k", "next_is_followed", "--results", str(tmp_path / "r")]
    ran = subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert (ran.returncode, ran.stderr) == (1, ""), ran.stdout
    results = read_results(tmp_path / "r")
    assert len(results) > 1
    assert {result.verdict for result in results} == {verdict}
    assert all(said in result.message for result in results)
