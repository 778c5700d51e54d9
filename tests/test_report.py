"""`syslet report`: what the results say, whatever else is in them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from results_for_tests import header, lines, report, result, written

from syslet_conformance.registry import REQUIREMENTS
from syslet_conformance.report import report_schema
from syslet_conformance.report_files import writers
from syslet_conformance.report_markdown import code, text
from syslet_conformance.report_reading import read_report
from syslet_conformance.tally import FAILURES_KEPT
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

PAGE_BYTES = 1_500_000
"""What the page of a normal run may take at most."""

REPORTS = Path(__file__).parent.parent / "reports"
HOSTILE = "<script>alert(1)</script> | `x` \x1b[31m\r\n# [a](javascript:b) @all"


def page_of(folder: Path) -> str:
    """report.md."""
    return (folder / "out" / "report.md").read_text()


def engines(folder: Path) -> list[dict[str, Any]]:
    found = written(folder / "out")["engines"]
    assert isinstance(found, list)
    return found


def test_a_requirement_has_the_worst_verdict_of_its_tests_on_each_abi(tmp_path: Path) -> None:
    values = [
        result(),
        result("chaining::test_b[cached-lp64-le]", Verdict.FAIL, message="expected 1, got 2"),
        result("chaining::test_c[cached-ilp32-le]", abi="ilp32-le"),
        result("chaining::test_d[cached-lp64-le]", Verdict.SKIP, ids=("chain.null-ends",)),
    ]
    assert report(tmp_path, lines(header(), *values)).exit_code == 0
    (engine,) = engines(tmp_path)
    assert engine["standing"] == "broken"
    verdicts = engine["verdicts"]
    assert isinstance(verdicts, dict)
    assert verdicts == {
        "chain.next": {"lp64-le": "fail", "ilp32-le": "pass"},
        "chain.null-ends": {"lp64-le": "skip"},
    }
    (failure,) = engine["failures"]
    assert failure["message"] == "expected 1, got 2"
    page = page_of(tmp_path)
    assert "- **fail** chain.next: `chaining::test_b[cached-lp64-le]`" in page
    assert "repeat: `syslet run exec:mine --test 'chaining::test_b[cached-lp64-le]'`" in page


def test_an_engine_holds_where_every_must_passed_and_not_where_one_was_not_judged(
    tmp_path: Path,
) -> None:
    every = [result(f"a::test_{i}[x]", ids=(id_,)) for i, id_ in enumerate(REQUIREMENTS)]
    report(tmp_path, lines(header("whole"), *every), lines(header("part"), *every[1:]))
    assert [e["standing"] for e in engines(tmp_path)] == ["holds", "not judged"]


def test_runs_of_one_engine_are_one_and_others_are_told_apart(tmp_path: Path) -> None:
    report(
        tmp_path,
        lines(header(), result()),
        lines(header(), result("chaining::test_c[cached-ilp32-le]", abi="ilp32-le")),
        lines(header(backend="lib:mine"), result(), header(version="2"), result()),
    )
    found = engines(tmp_path)
    assert [(e["run"]["engine_version"], e["run"]["backend"]) for e in found] == [
        ("1", "exec:mine"),
        ("1", "lib:mine"),
        ("2", "exec:mine"),
    ]
    assert found[0]["tests"] == {"lp64-le": {"pass": 1}, "ilp32-le": {"pass": 1}}
    assert "mine 1 \\(lib:mine\\)" in page_of(tmp_path)


def test_a_test_that_is_there_twice_counts_once_and_two_verdicts_are_noted(tmp_path: Path) -> None:
    values = [result(), result(), result(verdict=Verdict.CRASH, message="gone")]
    report(tmp_path, lines(header(), *values))
    (engine,) = engines(tmp_path)
    assert engine["tests"] == {"lp64-le": {"crash": 1}}
    (note,) = engine["notes"]
    assert note.endswith("chaining::test_a[cached-lp64-le] has two verdicts, pass and crash")
    assert "has two verdicts" in page_of(tmp_path)


def test_a_last_line_that_is_cut_off_is_noted_and_the_rest_is_used(tmp_path: Path) -> None:
    whole = lines(header(), result(), result("chaining::test_b[x]"))
    ran = report(tmp_path, whole[:-9])
    assert ran.exit_code == 0
    (engine,) = engines(tmp_path)
    assert engine["tests"] == {"lp64-le": {"pass": 1}}
    (note,) = engine["notes"]
    assert note.endswith("results0:3: its last line is cut off; the rest is used")


def test_of_many_failures_the_first_are_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    names = [f"a::test_{i}[x]" for i in range(FAILURES_KEPT + 7)]
    broken = [result(name, Verdict.FAIL, message="x" * 10**5) for name in names]
    report(tmp_path, lines(header(), *broken))
    (engine,) = engines(tmp_path)
    assert (len(engine["failures"]), engine["failures_left_out"]) == (FAILURES_KEPT, 7)
    assert f"- and {FAILURES_KEPT + 7 - 20} more" in page_of(tmp_path)
    assert len((tmp_path / "out" / "report.md").read_text()) < 65536


def test_somebody_elses_words_are_text(tmp_path: Path) -> None:
    odd = result(
        f"a::{HOSTILE}[x]", Verdict.FAIL, message=HOSTILE, characteristics={HOSTILE: HOSTILE}
    )
    hostile = header(HOSTILE, HOSTILE, HOSTILE)
    assert report(tmp_path, lines(hostile, odd)).exit_code == 0
    (engine,) = engines(tmp_path)
    assert engine["run"]["engine"] == HOSTILE
    page = page_of(tmp_path)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", page)
    for markup in ("<script", "](", "\x1b", "\r", "@all"):
        assert markup not in outside.replace("\\<", "").replace("\\@", "")
    assert page.count("\n# ") == 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<b>&amp;", "\\<b\\>\\&amp;"),
        ("one\ntwo\x00", "one two"),
        ("x" * 400, "x" * 300 + "…"),
    ],
)
def test_text_has_no_markup(value: str, shown: str) -> None:
    assert text(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a\nb", "`a b`")],
)
def test_code_ends_where_it_should(value: str, shown: str) -> None:
    assert code(value) == shown


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no result in what was given"),
        (lines(header()), "no result in what was given"),
        (lines(result()), "results0:1: a result before its run, wanted a line of type run"),
        (lines(header(), result(ids=("chain.nonesuch",))), "results0:2: no requirement 'chain.non"),
        (lines(header()) + b"{}\n", "results0:2: not a result"),
        (lines(header()).replace(b'"schema":1', b'"schema":9'), "results0:1: schema 9; wanted 1"),
        (b"\xff\xfe\n", "results0:1: not a result"),
    ],
    ids=["empty", "no-result", "no-run", "no-requirement", "no-line", "schema-9", "no-text"],
)
def test_what_is_no_results_file_is_one_line_and_leaves_nothing(
    tmp_path: Path, data: bytes, said: str
) -> None:
    ran = report(tmp_path, data)
    assert isinstance(ran.exception, SysletError)
    assert said in str(ran.exception)
    assert not (tmp_path / "out").exists()


def test_a_report_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    report(tmp_path, lines(header(), result()))
    before = (tmp_path / "out" / "report.json").read_bytes()
    assert isinstance(report(tmp_path, b"nonsense\n").exception, SysletError)
    assert (tmp_path / "out" / "report.json").read_bytes() == before


def collected() -> int:
    """How many tests the suite has on one ABI."""
    words = ["--pyargs", "syslet_conformance.suite", "--syslet-abi=lp64-le", "--collect-only", "-q"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(ran.stdout.strip().splitlines()[-1].split()[0])


def test_the_published_schema_is_the_report_s() -> None:
    assert json.loads((REPORTS / "report.schema.json").read_text()) == report_schema()


def test_the_published_report_is_of_this_suite_and_every_engine_of_the_repository() -> None:
    data = json.loads((REPORTS / "report.json").read_text())
    jsonschema.validate(data, report_schema())
    rows = {row["id"]: row["text"] for row in data["requirements"]}
    assert rows == {id_: r.text for id_, r in REQUIREMENTS.items()}
    found = {engine["run"]["backend"].partition(":")[0]: engine for engine in data["engines"]}
    assert list(found) == ["reference", "native", "native32", "lib", "exec"]
    tests = collected()
    for engine in data["engines"]:
        assert (engine["standing"], engine["failures"]) == ("holds", [])
        assert [sum(counts.values()) for counts in engine["tests"].values()] == [tests] * len(
            engine["tests"]
        )
        assert set(engine["verdicts"]) == set(REQUIREMENTS)


def test_the_published_files_are_what_the_published_report_makes() -> None:
    made = {name: b"".join(pieces()) for name, pieces in writers(read_report(REPORTS)).items()}
    assert set(made) == {"report.json", "report.md", "index.html", "badge.json", "badge.svg"}
    for name, content in made.items():
        assert (REPORTS / name).read_bytes() == content, name
    assert made["report.md"].count(b"**holds**") == 5
    assert len(made["index.html"]) < PAGE_BYTES
