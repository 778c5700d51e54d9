"""An engine that misbehaves costs one test, with a verdict that says how."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from misbehaving_engine import WRONGS
from running import syslet, wrong

from syslet_conformance import patience
from syslet_conformance.contract import EngineSilent
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.results import read_results
from syslet_conformance.verdicts import Verdict

HERE = Path(__file__).parent
SCRIPTED = [sys.executable, str(HERE / "scripted_engine.py")]
MAIN = "from syslet_conformance.cli import main; main()"


def run(backend: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MAIN, "run", backend, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)


EXPECTED: dict[str, tuple[Verdict, str]] = {
    "crash": (Verdict.CRASH, "signal SIGSEGV"),
    "exit": (Verdict.CRASH, "exit status 3; it said:\nno more of this"),
    "half-an-answer": (Verdict.CRASH, "exit status 0"),
    "hang": (Verdict.HANG, "exec"),
    "late": (Verdict.HANG, "exec"),
    "split": (Verdict.PASS, ""),
    "noise": (Verdict.PASS, ""),
    "noise-and-rubbish": (Verdict.FAIL, "'oops': wanted a tag"),
    "another-tag": (Verdict.FAIL, "nobody asked 9"),
    "answered-twice": (Verdict.FAIL, "was answered before"),
    "leaks-output": (Verdict.FAIL, "'Hello Syslet World!': wanted a tag"),
    "leaks-half-a-line": (Verdict.FAIL, "'Hello "),
    "no-number": (Verdict.FAIL, "exec: answered 'ok perhaps', wanted a number of 4 bytes"),
    "error": (Verdict.FAIL, "exec: out of order"),
    "a-megabyte": (Verdict.FAIL, "a line has 65536 bytes at most"),
}


def test_every_way_has_its_verdict() -> None:
    assert EXPECTED.keys() == WRONGS.keys()


@pytest.mark.parametrize("wrong", EXPECTED)
def test_it_costs_one_test(tmp_path: Path, wrong: str) -> None:
    marker, file = tmp_path / "marker", tmp_path / "results"
    engine = [sys.executable, str(HERE / "misbehaving_engine.py"), wrong, str(marker)]
    words = ["-k", "test_chaining_next", "--abi", "ilp32-le", "--mode", "cached"]
    ran = run(f"exec:{shlex.join(engine)}", *words, "--results", str(file))
    verdict, said = EXPECTED[wrong]
    assert marker.exists()
    assert ran.stderr == ""
    results = read_results(file)
    assert len(results) > 3
    broken = [result for result in results if result.verdict is not Verdict.PASS]
    if verdict is Verdict.PASS:
        assert (ran.returncode, broken) == (0, []), ran.stdout
        return
    assert ran.returncode == 1
    assert [result.verdict for result in broken] == [verdict], ran.stdout
    assert said in broken[0].message
    assert "\x1b" not in ran.stdout
    if wrong == "noise-and-rubbish":
        assert broken[0].output == "assertion \x1b[31mfailed\n"
        assert "it said on standard error:\nassertion ?[31mfailed\n" in ran.stdout


def test_an_engine_that_crashes_too_often_ends_the_run_and_it_is_said_why(tmp_path: Path) -> None:
    engine = shlex.join([sys.executable, str(HERE / "scripted_engine.py"), "dies-in-exec"])
    words = ["-k", "test_chaining_next", "--results", str(tmp_path / "r"), "--restarts", "2"]
    ran = run(f"exec:{engine}", *words)
    assert ran.returncode == 2
    assert ran.stderr.startswith(
        "syslet: the engine crashed or hung 3 times, 2 are allowed; the last was chaining::"
    )
    assert ran.stderr.count("\n") == 1
    results = read_results(tmp_path / "r")
    assert [result.verdict for result in results] == [Verdict.CRASH] * 3
    assert "interrupted: this is what was judged by then" in ran.stdout


def test_patience_gives_a_slow_engine_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ProtocolEngine(SCRIPTED, answer_s=0.2)
    os.kill(engine.process.pid, signal.SIGSTOP)  # it is not slow, it stands still
    with pytest.raises(EngineSilent, match=r"no answer to map within 0\.2 s"):
        engine.map(64)
    os.kill(engine.process.pid, signal.SIGCONT)
    engine.close()
    monkeypatch.setattr(patience, "_factor", 300.0)
    asked = threading.Event()

    def on_line(line: str) -> None:
        if line.startswith("> 2 map"):
            asked.set()

    engine = ProtocolEngine(SCRIPTED, answer_s=0.2, note=on_line)
    os.kill(engine.process.pid, signal.SIGSTOP)

    def go_on_when_it_is_late() -> None:
        asked.wait()
        time.sleep(1.0)  # five times what an engine has otherwise
        os.kill(engine.process.pid, signal.SIGCONT)

    threading.Thread(target=go_on_when_it_is_late, daemon=True).start()
    assert engine.map(64) == 0x1000
    engine.close()


def test_what_a_test_leaves_under_way_does_not_meet_the_next_one() -> None:
    name = "faults::test_a_descriptor_that_goes_bad_under_a_blocked_syslet_is_reported"
    both = [w for what in ("ring", "descriptor") for w in ("--test", f"{name}[ilp32-le-{what}]")]
    ran = syslet("run", wrong("TellsAgain"), *both)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
