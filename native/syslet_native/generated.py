"""Files that a program writes: written anew, or compared with what it would write."""

from __future__ import annotations

import sys
from pathlib import Path


def write_or_check(name: str, words: list[str], path: Path, text: str) -> int:
    """What the generator `name` does with its words: write `text`, or with --check compare it.

    0; 1 where the file is another; 2 for other words.
    """
    if words == ["--check"]:
        if path.read_text() == text:
            return 0
        print(f"{path}: not what {name} writes; run it", file=sys.stderr)
        return 1
    if words:
        print(f"usage: {name} [--check], got {' '.join(words)}", file=sys.stderr)
        return 2
    path.write_text(text)
    return 0
