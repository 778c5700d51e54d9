"""A badge of the report: as the endpoint of shields.io reads it, and as a picture."""

from __future__ import annotations

import jinja2
import msgspec

from syslet_conformance.report import STANDINGS, Report
from syslet_conformance.verdicts import BROKEN, CANNOT_JUDGE, HOLDS

LABEL = "syslet"

COLOURS = {
    STANDINGS[HOLDS]: ("brightgreen", "#3a7d00"),
    STANDINGS[CANNOT_JUDGE]: ("yellow", "#8a6d00"),
    STANDINGS[BROKEN]: ("red", "#b3261e"),
}
"""By the worst standing: as shields.io names it, and a darker one for white text to be read on."""

_CHAR_WIDTH, _PADDING = 6.6, 6

_TEMPLATE = jinja2.Environment(autoescape=True).from_string(
    """\
<svg xmlns="http://www.w3.org/2000/svg" width="{{ left + right }}" height="20" role="img" \
aria-label="{{ label }}: {{ message }}">
<title>{{ label }}: {{ message }}</title>
<clipPath id="corners"><rect width="{{ left + right }}" height="20" rx="3"/></clipPath>
<g clip-path="url(#corners)">
<rect width="{{ left }}" height="20" fill="#444"/>
<rect x="{{ left }}" width="{{ right }}" height="20" fill="{{ colour }}"/>
</g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{{ left / 2 }}" y="14" textLength="{{ left - 2 * pad }}">{{ label }}</text>
<text x="{{ left + right / 2 }}" y="14" textLength="{{ right - 2 * pad }}">{{ message }}</text>
</g>
</svg>
"""
)


class Badge(msgspec.Struct, rename="camel"):
    """The schema of shields.io's endpoint, version 1."""

    schema_version: int
    label: str
    message: str
    color: str


def badge(report: Report) -> Badge:
    """One engine: where it stands. Several: how many of them hold."""
    return Badge(1, LABEL, _message(report), COLOURS[_worst(report)][0])


def badge_svg(report: Report) -> str:
    """The same as a picture, flat, 20 pixels high."""
    message = _message(report)
    return _TEMPLATE.render(
        label=LABEL,
        message=message,
        colour=COLOURS[_worst(report)][1],
        left=_width(LABEL),
        right=_width(message),
        pad=_PADDING,
    )


def _message(report: Report) -> str:
    standings = [engine.standing for engine in report.engines]
    if len(standings) == 1:
        return standings[0]
    return f"{standings.count(STANDINGS[HOLDS])} of {len(standings)} engines hold"


def _worst(report: Report) -> str:
    standings = {engine.standing for engine in report.engines}
    return next(STANDINGS[s] for s in (BROKEN, CANNOT_JUDGE, HOLDS) if STANDINGS[s] in standings)


def _width(words: str) -> int:
    return round(len(words) * _CHAR_WIDTH) + 2 * _PADDING
