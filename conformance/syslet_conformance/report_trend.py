"""An engine's standing over many reports: the points, and their chart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree

import pygal
from pygal.style import Style

from syslet_conformance.foreign import shown
from syslet_conformance.registry import Level
from syslet_conformance.report import Engine, Point, Report
from syslet_conformance.verdicts import FAILED, Verdict, worst

POINTS_KEPT = 500
ALL_POINTS_KEPT = 10_000
"""Of one engine, and of all: the newest."""

SHOWN_POINTS = 60
"""On the chart: the newest."""

LINES = (
    ("pass", frozenset({Verdict.PASS}), "var(--good, #1a7f37)"),
    ("fail, hang or crash", FAILED, "var(--bad, #b3261e)"),
    ("skip or unjudged", frozenset({Verdict.SKIP, Verdict.UNJUDGED}), "var(--accent, #5566bb)"),
)
"""What is drawn, of all levels together: its name, verdicts and colour."""

_SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", _SVG)


def points(report: Report) -> list[Point]:
    """Where the engines of the report stand in it."""
    return [_point(report, engine) for engine in report.engines]


def _point(report: Report, engine: Engine) -> Point:
    counts: dict[Level, Counter[Verdict]] = {level: Counter() for level in Level}
    for row in report.requirements:
        counts[row.level][worst(engine.verdicts.get(row.id, {}).values())] += 1
    run = engine.run
    return Point(
        engine=run.engine,
        engine_version=run.engine_version,
        backend=run.backend,
        suite=run.suite,
        started=run.started,
        counts={level: dict(found) for level, found in counts.items()},
    )


def with_history(report: Report, history: Iterable[Report]) -> None:
    """Give the report the trend of older ones, and of itself.

    A report that has a trend passes it on, so that the last one is enough. Of points of one
    engine and time the newest report's stays.
    """
    found: dict[tuple[str, str, str], Point] = {}
    for one in (*history, report):
        for point in (*one.trend, *points(one)):
            found[point.engine, point.backend, point.started] = point
    by_engine: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for point in sorted(found.values(), key=_when):
        by_engine[point.engine, point.backend].append(point)
    kept = [point for mine in by_engine.values() for point in mine[-POINTS_KEPT:]]
    report.trend = sorted(kept, key=_when)[-ALL_POINTS_KEPT:]


def _when(point: Point) -> tuple[datetime, str]:
    return _moment(point.started), point.started


def _moment(started: str) -> datetime:
    """When that was; the first of all times where it is none."""
    try:
        moment = datetime.fromisoformat(started)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def chart(report: Report) -> str:
    """An ``<svg>`` for each engine of the report that has two points or more; "" where none has."""
    drawn: list[str] = []
    for name, backend in dict.fromkeys((e.run.engine, e.run.backend) for e in report.engines):
        mine = [p for p in report.trend if (p.engine, p.backend) == (name, backend)]
        if len(mine) >= 2:
            drawn.append(_drawn(mine[-SHOWN_POINTS:], f"trend-{len(drawn)}"))
    return "\n".join(drawn)


def _drawn(mine: list[Point], id_: str) -> str:
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink, #222222)",
        foreground_strong="var(--ink, #222222)",
        foreground_subtle="var(--line, #bbbbbb)",
        guide_stroke_color="var(--line, #bbbbbb)",
        major_guide_stroke_color="var(--line, #bbbbbb)",
        font_family="inherit",
        colors=tuple(colour for _, _, colour in LINES),
    )
    title = shown(f"{mine[-1].engine} ({mine[-1].backend}): requirements by verdict", 90)
    line = pygal.Line(
        style=style,
        js=[],
        title=title,
        width=800,
        height=340,
        x_label_rotation=20,
        x_labels_major_count=10,
        show_minor_x_labels=False,
        range=(0, max(sum(_count(point, which) for _, which, _ in LINES) for point in mine)),
        legend_at_bottom=True,
        legend_at_bottom_columns=len(LINES),
    )
    line.uuid = id_
    line.x_labels = [shown(point.started[:10]) for point in mine]
    for name, which, _ in LINES:
        line.add(name, [_count(point, which) for point in mine])
    return _still(line.render(is_unicode=True), title)


def _still(svg: str, title: str) -> str:
    """The picture without what it has for a script, and with a name."""
    root = ElementTree.fromstring(svg.encode())
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{{{_SVG}}}script" or "tooltip" in child.get("class", "").split():
                parent.remove(child)
    root.set("role", "img")
    root.set("aria-label", title)
    return ElementTree.tostring(root, encoding="unicode")


def _count(point: Point, verdicts: Iterable[Verdict]) -> int:
    return sum(found.get(v, 0) for found in point.counts.values() for v in verdicts)
