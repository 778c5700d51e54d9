"""The trend: an engine's standing in many reports."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from results_for_tests import header, lines, result, run, tallied, written

from syslet_conformance import report_trend
from syslet_conformance.registry import REQUIREMENTS, Level
from syslet_conformance.report import Report
from syslet_conformance.report_trend import LINES, chart, points, with_history
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

HOSTILE = "<script>alert(1)</script>\"'&\x00\x1b"
SVG = "{http://www.w3.org/2000/svg}"


def on(day: int, verdict: Verdict = Verdict.PASS, engine: str = "mine") -> Report:
    return tallied(header(engine, started=f"2026-01-{day:02}T00:00:00+00:00"), result("a", verdict))


def days(report: Report) -> list[int]:
    return [int(point.started[8:10]) for point in report.trend]


def test_a_point_counts_requirements_of_each_verdict_by_level() -> None:
    musts = [row.id for row in REQUIREMENTS.values() if row.level is Level.MUST]
    shoulds = [row.id for row in REQUIREMENTS.values() if row.level is Level.SHOULD]
    report = tallied(
        header(),
        result("a", Verdict.PASS, ids=(musts[0], musts[1])),
        result("b", Verdict.FAIL, ids=(musts[1],), abi="ilp32-le"),
        result("c", Verdict.SKIP, ids=(shoulds[0],)),
    )
    (point,) = points(report)
    assert (point.engine, point.backend, point.suite) == ("mine", "exec:mine", "0.1.0")
    without = {level: sum(r.level is level for r in REQUIREMENTS.values()) for level in Level}
    assert point.counts == {
        Level.MUST: {
            Verdict.PASS: 1,
            Verdict.FAIL: 1,
            Verdict.UNJUDGED: without[Level.MUST] - 2,
        },
        Level.SHOULD: {Verdict.SKIP: 1, Verdict.UNJUDGED: without[Level.SHOULD] - 1},
        Level.MAY: {Verdict.UNJUDGED: without[Level.MAY]},
    }


def test_the_last_report_is_enough_for_the_next_one() -> None:
    first, second, third = on(1), on(2), on(3)
    with_history(first, [])
    with_history(second, [first])
    with_history(third, [second])
    assert days(third) == [1, 2, 3]


def test_points_are_sorted_by_when_they_were_and_are_there_once() -> None:
    old, new = on(2), on(9)
    with_history(old, [on(1)])
    with_history(new, [on(5), old, on(1), old])
    assert days(new) == [1, 2, 5, 9]


def test_times_of_two_zones_are_in_their_true_order() -> None:
    earlier = tallied(header(started="2026-01-02T00:30:00+02:00"), result())
    later = tallied(header(started="2026-01-01T23:00:00+00:00"), result())
    with_history(later, [earlier])
    assert [point.started for point in later.trend] == [
        "2026-01-02T00:30:00+02:00",
        "2026-01-01T23:00:00+00:00",
    ]


def test_of_too_many_points_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_trend, "POINTS_KEPT", 2)
    report = on(4)
    with_history(report, [on(1), on(2), on(3), on(2, engine="other")])
    assert [(point.engine, point.started[9]) for point in report.trend] == [
        ("other", "2"),
        ("mine", "3"),
        ("mine", "4"),
    ]


def test_a_chart_is_drawn_of_an_engine_with_two_points_or_more() -> None:
    report = on(1)
    assert chart(report) == ""
    with_history(report, [])
    assert chart(report) == ""
    with_history(report, [on(2, engine="other"), on(3, engine="other")])
    assert chart(report) == "", "an engine that the report does not have"
    with_history(report, [on(2)])
    assert chart(report).count("<svg") == 1


def test_a_chart_has_a_dot_for_each_point_of_each_line() -> None:
    report = on(3)
    with_history(report, [on(1, Verdict.FAIL), on(2, Verdict.SKIP)])
    root = ElementTree.fromstring(chart(report))
    assert len([e for e in root.iter(f"{SVG}circle") if "dot" in e.get("class", "")]) == 9
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {name for name, _, _ in LINES} <= set(words)
    assert {"2026-01-01", "2026-01-02", "2026-01-03"} <= set(words)
    for _, _, colour in LINES:
        assert colour.replace(" ", "") in chart(report)


def test_a_chart_is_the_same_each_time_and_has_no_script_and_no_address() -> None:
    report = tallied(header(HOSTILE, HOSTILE, HOSTILE, started=HOSTILE), result())
    other = tallied(header(HOSTILE, HOSTILE, HOSTILE, started="2026"), result())
    with_history(report, [other])
    drawn = chart(report)
    assert drawn == chart(report)
    assert "<script" not in drawn
    assert "\x00" not in drawn
    rest = drawn.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http" not in rest
    for element in ElementTree.fromstring(drawn).iter():
        assert not [key for key in element.attrib if key.lower().startswith("on")]


def test_history_goes_from_report_to_report_by_file_and_by_folder(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        (tmp_path / f"r{day}").write_bytes(
            lines(header(started=f"2026-01-0{day}T00:00:00+00:00"), result())
        )
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    assert run("report", tmp_path / "r1", "-o", one).exit_code == 0
    assert run("report", tmp_path / "r2", "-o", two, "--history", one).exit_code == 0
    last = two / "report.json"
    assert run("report", tmp_path / "r3", "-o", three, "--history", last).exit_code == 0
    assert [point["started"][:10] for point in written(three)["trend"]] == [
        "2026-01-01",
        "2026-01-02",
        "2026-01-03",
    ]


def test_a_report_s_own_folder_may_be_its_history(tmp_path: Path) -> None:
    (tmp_path / "r1").write_bytes(lines(header(started="2026-01-01"), result()))
    (tmp_path / "r2").write_bytes(lines(header(started="2026-01-02"), result()))
    out = tmp_path / "out"
    run("report", tmp_path / "r1", "-o", out)
    assert run("report", tmp_path / "r2", "-o", out, "--history", out).exit_code == 0
    assert len(written(out)["trend"]) == 2


def test_what_is_no_report_is_no_history(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(lines(header(), result()))
    ran = run("report", tmp_path / "r", "-o", tmp_path / "out", "--history", tmp_path / "r")
    assert isinstance(ran.exception, SysletError)
    assert not (tmp_path / "out").exists()
