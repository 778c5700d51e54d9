"""`syslet backends --check`: who is at fault, and the transcript of the first that went wrong."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from syslet_conformance import check_backend
from syslet_conformance.cli import group
from syslet_conformance.smoke import STEPS
from syslet_layouts import SysletError

HERE = Path(__file__).parent
ENGINE = "the engine is at fault; the transcript up to there:"
PROTOCOL = "the engine's side of the protocol is at fault; the transcript up to there:"


def check(backend: str, *words: str) -> Result:
    return CliRunner().invoke(group, ["backends", "--check", backend, *words])


def scripted(wrong: str) -> str:
    return f"exec:{shlex.join([sys.executable, str(HERE / 'scripted_engine.py'), wrong])}"


@pytest.fixture(autouse=True)
def _engines_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))


def found(output: str) -> dict[str, str]:
    """The word after each step."""
    names = ["harness", "hello", *STEPS]
    rows = ((name, line) for line in output.splitlines() for name in names if line.startswith(name))
    return {name: line.removeprefix(name).split()[0] for name, line in rows}


@pytest.mark.parametrize("abi", ["ilp32-be", "fixed64-le"])
def test_an_engine_that_is_right_passes_every_step(abi: str) -> None:
    ran = check("reference", "--abi", abi)
    assert (ran.exit_code, found(ran.output)) == (
        0,
        dict.fromkeys(["harness", "hello", *STEPS], "ok"),
    )
    assert f"on {abi}" in ran.output


@pytest.mark.parametrize(
    ("wrong", "step", "fault", "last_line"),
    [
        ("nothing", "getpid", ENGINE, "< 6 ok none"),
        ("silent-at-peek", "map", ENGINE, "> 3 peek 0x1000 8"),
        ("dies", "map", ENGINE, "> 3 peek 0x1000 8"),
        ("refuses-map", "map", ENGINE, "< 2 error no room?[31m"),
        ("too-few-bytes", "map", PROTOCOL, "< 3 ok 00"),
        ("no-tag", "map", PROTOCOL, "< Segmentation fault"),
        ("another-version", "hello", PROTOCOL, "< 1 ok 2 scripted 7 ilp32-le"),
        ("silent-at-hello", "hello", ENGINE, "> 1 hello 1 any"),
    ],
)
def test_the_first_step_that_goes_wrong_is_shown_with_its_transcript(
    wrong: str, step: str, fault: str, last_line: str
) -> None:
    ran = check(scripted(wrong))
    assert ran.exit_code == 1, ran.output
    words = found(ran.output)
    assert words.pop(step) == "WRONG"
    assert set(words.values()) == {"ok"}
    said = [line.strip() for line in ran.output.splitlines()]
    assert fault in said
    assert said[said.index(fault) + 1 :][-1] == last_line
    assert "\x1b" not in ran.output


def test_what_an_engine_lacks_is_skipped_and_the_rest_is_looked_at() -> None:
    ran = check("python:engines_for_tests:LacksPipes")
    assert ran.exit_code == 0, ran.output
    words = found(ran.output)
    assert [words[name] for name in ("block", "release", "wait")] == ["skipped"] * 3
    assert words["unmap, close"] == "ok"


def test_an_engine_that_hangs_in_exec_is_at_fault() -> None:
    ran = check("python:engines_for_tests:HangsInExec")
    assert ran.exit_code == 1, ran.output
    assert found(ran.output)["getpid"] == "WRONG"
    assert "exec: expected its return within 2 s, got none" in ran.output
    assert ENGINE in ran.output


@pytest.mark.parametrize(
    ("engine", "step"), [("WaitsForNothing", "release"), ("ForgetsToPost", "wait")]
)
def test_a_wait_that_is_wrong_is_the_engine_s_fault(engine: str, step: str) -> None:
    ran = check(f"python:engines_for_tests:{engine}")
    assert ran.exit_code == 1, ran.output
    assert found(ran.output)[step] == "WRONG"
    assert ENGINE in ran.output


def test_where_the_reference_fails_too_the_harness_is_at_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = shlex.split(scripted("too-few-bytes").removeprefix("exec:"))
    monkeypatch.setattr(check_backend, "serving", lambda name: broken)  # noqa: ARG005
    ran = check("reference")
    assert ran.exit_code == 2
    assert found(ran.output) == {"harness": "WRONG"}
    assert "the harness is at fault" in ran.output


def test_what_cannot_be_started_is_one_line() -> None:
    ran = check("exec:/nonexistent/engine")
    assert isinstance(ran.exception, SysletError)
    assert "No such file or directory" in str(ran.exception)


def test_an_abi_goes_with_a_check() -> None:
    ran = CliRunner().invoke(group, ["backends", "--abi", "lp64-le"])
    assert (ran.exit_code, "--abi goes with --check" in ran.output) == (2, True)
