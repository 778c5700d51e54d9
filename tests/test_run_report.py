"""`syslet run --report`: the run and its report in one go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from running import ONE, OTHER, TWO, syslet, wrong

INTERRUPTED = """
from syslet_conformance.commands import run
supervise = run.supervise
def once(items, *rest):
    supervise(items[:1], *rest)
    raise KeyboardInterrupt
run.supervise = once
"""


def engine(folder: Path) -> dict[str, Any]:
    (found,) = json.loads((folder / "report.json").read_text())["engines"]
    assert isinstance(found, dict)
    return found


def letters(folder: Path) -> dict[str, str]:
    each = engine(folder)["each"]
    assert isinstance(each, dict)
    return each


@pytest.mark.parametrize(
    ("name", "code", "verdict"), [("Correct", 0, "pass"), ("DiesInExec", 1, "crash")]
)
def test_the_report_is_of_the_run_whose_status_is_as_before(
    tmp_path: Path, name: str, code: int, verdict: str
) -> None:
    out, results = tmp_path / "out", tmp_path / "r"
    ran = syslet("run", wrong(name), *TWO, "--report", out, "--results", results)
    assert ran.returncode == code, ran.stderr
    assert engine(out)["tests"] == {"ilp32-le": {verdict: 2}}
    cases = ElementTree.parse(out / "junit.xml").getroot().iter("testcase")
    assert {case.get("name") for case in cases} == {ONE[10:], OTHER[10:]}
    syslet("report", results, "-o", tmp_path / "again")
    for file in ("report.json", "report.md", "junit.xml", "badge.json"):
        assert (out / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_it_needs_no_results_file(tmp_path: Path) -> None:
    assert syslet("run", wrong("Correct"), *TWO, "--report", tmp_path / "out").returncode == 0
    assert letters(tmp_path / "out") == {"cached-ilp32-le": "p", "async-ilp32-le": "p"}


def test_a_resumed_run_reports_what_was_judged_before_too(tmp_path: Path) -> None:
    results, out = tmp_path / "r", tmp_path / "out"
    assert syslet("run", wrong("Correct"), "--test", ONE, "--results", results).returncode == 0
    ran = syslet("run", wrong("Correct"), *TWO, "--resume", results, "--report", out)
    assert ran.returncode == 0, ran.stderr
    assert letters(out) == {"cached-ilp32-le": "p", "async-ilp32-le": "p"}
    assert engine(out)["notes"] == []


def test_a_known_failure_is_in_the_report_with_its_reason(tmp_path: Path) -> None:
    known, out = tmp_path / "known.toml", tmp_path / "out"
    known.write_text(f'[known-failures]\n"{ONE}" = "it aborts"\n')
    words = ("run", wrong("DiesInExec"), "--test", ONE, "--report", out)
    ran = syslet(*words, "--known-failures", known)
    assert "1 known failures set aside" in ran.stdout
    assert [failure["test"] for failure in engine(out)["failures"]] == [ONE]
    assert engine(out)["notes"] == [f"{ONE}: a known failure: it aborts"]


def test_an_interrupted_run_reports_what_was_judged_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = syslet("run", wrong("Correct"), *TWO, "--report", out, before=INTERRUPTED)
    assert ran.returncode == 2
    assert "interrupted: this is what was judged by then" in ran.stdout
    assert sorted(letters(out).values()) == ["p"]
    assert engine(out)["notes"] == ["the run ended early: interrupted"]


def test_a_run_that_ends_with_an_error_reports_what_was_judged_and_why(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = syslet("run", wrong("DiesInExec"), *TWO, "--restarts", "0", "--report", out)
    assert ran.returncode == 2
    *_, line = ran.stderr.splitlines()
    assert line.startswith("syslet: ")
    (note,) = engine(out)["notes"]
    assert note == "the run ended early: " + line.removeprefix("syslet: ")
    assert engine(out)["failures"]


def test_a_run_that_judged_nothing_leaves_the_old_report(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert syslet("run", wrong("Correct"), "--test", ONE, "--report", out).returncode == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert syslet("run", wrong("Correct"), "--test", "none", "--report", out).returncode == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
