"""Somebody else's words, without what acts on a terminal or breaks a line."""

from __future__ import annotations

import os
from pathlib import Path

SHOWN_CHARS = 300
"""Longer words are cut where an error quotes them."""


def plain(words: str) -> str:
    """The words as they are: their lines stay, what is not printable is a question mark."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in words)


def shown(words: str, limit: int = SHOWN_CHARS) -> str:
    """The words on one line, cut at `limit` characters."""
    line = "".join(c if c.isprintable() else "?" for c in words[: limit + 1])
    return line if len(line) <= limit else line[:limit] + "…"


def shown_path(path: Path) -> str:
    """The path as an error may name it, whatever bytes it has."""
    return shown(os.fsencode(path).decode(errors="replace"))
