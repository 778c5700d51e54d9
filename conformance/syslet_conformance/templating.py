"""Pages out of templates, with nothing of somebody else's in them that acts.

Jinja2 escapes all that a template writes, and `clean` spells out what is not printable.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

TEXT_CHARS = 8_000
"""Longer texts are cut, and say so."""

KEPT = "\n\t"
"""What is not printable and stays as it is."""


@cache
def environment() -> Environment:
    """Of the templates in ``templates/``."""
    return Environment(
        loader=PackageLoader("syslet_conformance", "templates"),
        autoescape=True,
        finalize=clean,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def clean(value: object) -> object:
    """What a template writes: text with nothing in it that acts, cut at `TEXT_CHARS`.

    Controls, changes of direction and the like are spelled as escapes. What is trusted (`Markup`)
    and what is no text stays.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if len(value) > TEXT_CHARS:
        value = f"{value[:TEXT_CHARS]}… (cut; {len(value):,} characters)"
    if value.isprintable():
        return value
    return "".join(c if c.isprintable() or c in KEPT else ascii(c)[1:-1] for c in value)
