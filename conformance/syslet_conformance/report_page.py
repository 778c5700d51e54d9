"""The report as a page: one file that loads nothing, and shows everything without its script.

Whatever is in a report is somebody else's. Beside what `templating` does, the page's
Content-Security-Policy keeps it from acting: it allows the page's own style and script by their
hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from syslet_conformance.pictures import graph, timeline
from syslet_conformance.registry import AREAS, Level
from syslet_conformance.report import Report
from syslet_conformance.report_trend import chart
from syslet_conformance.report_view import MARKS, view_of
from syslet_conformance.results import Evidence
from syslet_conformance.svg import STYLE
from syslet_conformance.templating import environment
from syslet_conformance.verdicts import Verdict

STEPS_SHOWN = 200
"""Of the reference, on the way to one answer."""

PIECES = 1000
"""How many pieces of the template are handed out as one."""


def page(report: Report) -> Iterator[str]:
    """The page, in pieces. Total."""
    style, script = _asset("page.css") + STYLE, _asset("page.js")
    view, trend = view_of(report), chart(report)
    template = environment().get_template("report.html.j2")
    stream = template.stream(
        view=view,
        report=report,
        style=Markup(style),
        script=Markup(script),
        policy=_policy([style, *_styles_in(trend)], [script]),
        areas=AREAS,
        levels=list(Level),
        verdicts=list(Verdict),
        marks=MARKS,
        pictures=_pictures,
        steps_shown=STEPS_SHOWN,
        trend=Markup(trend),
    )
    stream.enable_buffering(PIECES)
    yield from stream


@cache
def _asset(name: str) -> str:
    return (files("syslet_conformance") / "templates" / name).read_text(encoding="utf-8")


_OWN_STYLE = f"<style>{STYLE}</style>"


def _pictures(evidence: Evidence) -> list[tuple[str, Markup]]:
    """Title and picture of what there is to draw; their style is in the page's."""
    drawn = [
        ("The atoms, and the way that the reference took", graph(evidence)),
        ("What the reference did, in order", timeline(evidence)),
    ]
    return [(title, Markup(picture.replace(_OWN_STYLE, ""))) for title, picture in drawn if picture]


def _styles_in(svg: str) -> list[str]:
    """What stands in the style elements of pictures, as a browser reads it."""
    return [html.unescape(text) for text in re.findall("<style[^>]*>(.*?)</style>", svg, re.DOTALL)]


def _policy(styles: list[str], scripts: list[str]) -> str:
    """What the page may do: its own style and script, by their hashes."""

    def hashes(texts: list[str]) -> str:
        digests = (hashlib.sha256(text.encode()).digest() for text in texts)
        return " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests)

    own = f"style-src {hashes(styles)}; script-src {hashes(scripts)}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"
