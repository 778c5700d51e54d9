"""`syslet diff`: what got better, worse, new and gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from results_for_tests import header, lines, report, result, run, tallied

from syslet_conformance.diff_pages import html_diff, markdown_diff, text_diff
from syslet_conformance.registry import REQUIREMENTS, Level
from syslet_conformance.report import Report
from syslet_conformance.report_diff import TESTS_SHOWN, Diff, Kind, diff
from syslet_conformance.results import Header, Result
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

OF_LEVEL = {level: next(r.id for r in REQUIREMENTS.values() if r.level is level) for level in Level}
PASS, FAIL, SKIP, CRASH = Verdict.PASS, Verdict.FAIL, Verdict.SKIP, Verdict.CRASH
HOSTILE = "<script>alert(1)</script>|`x`\x1b[31m[red]\r\n# [a](b)"


def changes(old: Report, new: Report) -> list[tuple[Kind, str, str]]:
    (engine,) = diff(old, new).engines
    return [(change.kind, change.requirement, change.abi) for change in engine.changes]


def one(verdict: Verdict, test: str = "a::t", id_: str = "chain.next") -> Report:
    return tallied(header(), result(test, verdict, ids=(id_,)))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (PASS, FAIL, Kind.WORSE),
        (PASS, SKIP, Kind.WORSE),
        (PASS, Verdict.UNJUDGED, Kind.WORSE),
        (FAIL, CRASH, Kind.WORSE),
        (FAIL, PASS, Kind.BETTER),
        (SKIP, PASS, Kind.BETTER),
        (CRASH, Verdict.HANG, Kind.BETTER),
    ],
)
def test_a_test_is_worse_or_better_by_the_order_of_verdicts(
    old: Verdict, new: Verdict, kind: Kind
) -> None:
    assert changes(one(old), one(new)) == [(kind, "chain.next", "lp64-le")]


@pytest.mark.parametrize("level", list(Level))
def test_a_must_or_should_that_is_worse_is_a_regression_and_a_may_is_not(level: Level) -> None:
    id_ = OF_LEVEL[level]
    found = diff(one(PASS, id_=id_), one(FAIL, id_=id_))
    assert found.engines[0].count(Kind.WORSE) == 1
    assert found.regressions == (level is not Level.MAY)
    assert diff(one(FAIL, id_=id_), one(PASS, id_=id_)).regressions == 0


def test_abis_are_told_apart() -> None:
    on_32 = result("a::t[cached-ilp32-le]", abi="ilp32-le")
    old = tallied(header(), result("a::t[cached-lp64-le]"), on_32)
    new = tallied(header(), result("a::t[cached-lp64-le]", FAIL), on_32)
    assert changes(old, new) == [(Kind.WORSE, "chain.next", "lp64-le")]
    assert changes(old, tallied(header(), on_32)) == [(Kind.GONE, "chain.next", "lp64-le")]
    assert changes(tallied(header(), on_32), old) == [(Kind.NEW, "chain.next", "lp64-le")]


def test_one_test_that_is_worse_outweighs_those_that_are_better() -> None:
    old = tallied(header(), result("a::t1", FAIL), result("a::t2", FAIL), result("a::t3"))
    new = tallied(header(), result("a::t1"), result("a::t2"), result("a::t3", FAIL))
    (engine,) = diff(old, new).engines
    (change,) = engine.changes
    assert change.kind is Kind.WORSE
    assert [test.test for test in change.tests] == ["a::t3", "a::t1", "a::t2"]


def test_a_new_test_that_fails_is_new_and_no_regression() -> None:
    old = tallied(header(suite="0.1.0"), result("a::t1"))
    new = tallied(header(suite="0.2.0"), result("a::t1"), result("a::t2", FAIL))
    assert changes(old, new) == [(Kind.NEW, "chain.next", "lp64-le")]
    assert diff(old, new).regressions == 0
    assert changes(new, old) == [(Kind.GONE, "chain.next", "lp64-le")]


def test_nothing_is_told_of_what_is_as_it_was() -> None:
    assert changes(one(FAIL), one(FAIL)) == []
    old = tallied(header(), result("a::t1"))
    assert changes(old, tallied(header(), result("a::t1"), result("a::t2"))) == []


def test_a_requirement_that_another_version_does_not_have_is_new_or_gone() -> None:
    old = one(FAIL)
    old.requirements = [row for row in old.requirements if row.id != "skip.stride"]
    new = tallied(header(), result("a::t", FAIL), result("a::u", FAIL, ids=("skip.stride",)))
    assert (Kind.NEW, "skip.stride", "lp64-le") in changes(old, new)
    assert diff(old, new).regressions == 0


def engines(*headers: Header) -> Report:
    return tallied(*(value for h in headers for value in (h, result())))


def paired(found: Diff) -> list[tuple[str, str]]:
    return [
        (e.old.run.engine_version if e.old else "", e.new.run.engine_version if e.new else "")
        for e in found.engines
    ]


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        ([header(version="1")], [header(version="2")], [("1", "2")]),
        (
            [header(version="1"), header(version="2")],
            [header(version="2"), header(version="3")],
            [("2", "2"), ("1", "3")],
        ),
        ([header(backend="lib:a")], [header(version="2", backend="lib:b")], [("1", "2")]),
        (
            [header("a", "1"), header("b", "2")],
            [header("b", "3"), header("c", "4")],
            [("2", "3"), ("", "4"), ("1", "")],
        ),
    ],
    ids=["newer-version", "same-version-first", "other-backend", "new-and-gone"],
)
def test_engines_are_paired_by_name_and_what_tells_them_apart(
    old: list[Header], new: list[Header], pairs: list[tuple[str, str]]
) -> None:
    assert paired(diff(engines(*old), engines(*new))) == pairs


def test_engines_of_other_names_are_compared_where_that_is_said() -> None:
    old, new = engines(header("a", "1"), header("b", "2")), engines(header("c", "3"))
    with pytest.raises(SysletError, match=r"no engine in common: OLD has a 1 .*--engine OLD=NEW"):
        diff(old, new)
    assert paired(diff(old, new, {"b": "c"})) == [("2", "3"), ("1", "")]
    with pytest.raises(SysletError, match=r"--engine x=c: 0 engines of OLD .* and 1 of NEW"):
        diff(old, new, {"x": "c"})


def test_of_many_tests_the_first_are_listed_and_the_rest_is_counted() -> None:
    many = [f"a::t{i}" for i in range(TESTS_SHOWN + 3)]
    old = tallied(header(), *(result(name) for name in many))
    new = tallied(header(), *(result(name, FAIL) for name in many))
    (change,) = diff(old, new).engines[0].changes
    assert (len(change.tests), change.tests_left_out) == (TESTS_SHOWN, 3)
    assert "and 3 more tests" in text_diff(diff(old, new))


def files(folder: Path) -> tuple[Path, Path, Path]:
    """A regression: results file, folder of the report and report.json of the old state."""
    (folder / "new").write_bytes(lines(header(), result(verdict=FAIL, message="expected 1, got 2")))
    report(folder, lines(header(), result()))
    return folder / "out", folder / "out" / "report.json", folder / "results0"


def test_each_kind_of_file_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    for old in files(tmp_path):
        ran = run("diff", old, tmp_path / "new")
        assert ran.exit_code == 1
        assert ran.output.splitlines() == [
            "mine 1 (exec:mine): 1 worse",
            "  worse  MUST   chain.next  lp64-le  pass -> fail",
            "           worse: chaining::test_a  cached-lp64-le  pass -> fail",
            "             expected 1, got 2",
            "1 regression: a MUST or SHOULD is worse on an ABI",
        ]
        assert run("diff", tmp_path / "new", old).exit_code == 0
        assert run("diff", old, old).output.splitlines() == [
            "mine 1 (exec:mine): no change",
            "no regression: no MUST or SHOULD is worse",
        ]


@pytest.mark.parametrize("columns", ["20", "300"])
def test_lines_are_whole_whatever_the_width_of_the_terminal(
    tmp_path: Path, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    old, *_ = files(tmp_path)
    said = re.sub(r"\x1b\[[0-9;]*m", "", run("diff", old, tmp_path / "new").output)
    assert "  worse  MUST   chain.next  lp64-le  pass -> fail\n" in said


@pytest.mark.parametrize(
    ("kind", "start"),
    [("text", "mine 1"), ("markdown", "# 1 regression:"), ("html", "<!doctype html>")],
)
def test_a_page_is_written_to_a_file_or_printed(tmp_path: Path, kind: str, start: str) -> None:
    old, *_ = files(tmp_path)
    ran = run("diff", old, tmp_path / "new", "--format", kind, "-o", tmp_path / "page")
    assert (ran.exit_code, ran.output) == (1, "")
    page = (tmp_path / "page").read_text()
    assert page.startswith(start)
    assert "chain.next" in page
    assert "pass" in page
    assert run("diff", old, tmp_path / "new", "--format", kind).output == page


def test_somebody_elses_words_are_text_on_every_page() -> None:
    def hostile(verdict: Verdict, fact: str) -> Report:
        odd = result(f"a::{HOSTILE}", verdict, message=HOSTILE, characteristics={HOSTILE: fact})
        return tallied(header(HOSTILE, HOSTILE, HOSTILE), odd, odd_abi(verdict))

    def odd_abi(verdict: Verdict) -> Result:
        return result("a::t", verdict, abi=HOSTILE, message=HOSTILE)

    found = diff(hostile(PASS, HOSTILE), hostile(FAIL, HOSTILE + "2"))
    assert found.regressions == 2
    page = html_diff(found)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    said = text_diff(found)
    assert "\x1b" not in said
    assert "[red]" in said
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", markdown_diff(found))
    assert "<script" not in outside.replace("\\<", "")
    assert "\x1b" not in outside
    rows = [line for line in markdown_diff(found).splitlines() if line.startswith("| worse")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [8, 8]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "x"], "--engine x: wanted OLD=NEW"),
        (["--engine", "other=mine"], "--engine other=mine: 0 engines of OLD (mine 1"),
    ],
)
def test_what_cannot_be_compared_is_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    old, *_ = files(tmp_path)
    ran = run("diff", old, tmp_path / "new", *words)
    assert isinstance(ran.exception, SysletError)
    assert said in str(ran.exception)


def test_no_engine_in_common_is_one_line(tmp_path: Path) -> None:
    old, *_ = files(tmp_path)
    (tmp_path / "new").write_bytes(lines(header("other"), result()))
    ran = run("diff", old, tmp_path / "new")
    assert isinstance(ran.exception, SysletError)
    assert "no engine in common" in str(ran.exception)
    assert run("diff", old, tmp_path / "new", "--engine", "mine=other").exit_code == 0
