"""Seeds for fuzzers that mutate bytes: a corpus of streams of every theme.

``python -m syslet_conformance.fuzz.seeds FOLDER`` writes them, and prints how many there are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from syslet_conformance.fuzz.corpus import Corpus
from syslet_conformance.fuzz.generate import THEMES, Generator
from syslet_conformance.fuzz.stream import to_bytes
from syslet_layouts import SysletError

OF_A_THEME = 40
"""How many streams of each theme there are."""


def seeds(seed: str, count: int = OF_A_THEME) -> list[bytes]:
    """So many streams of each theme, determined by the seed."""
    generator = Generator(Random(seed))
    return [to_bytes(generator.draw(theme)) for theme in range(len(THEMES)) for _ in range(count)]


def write(folder: Path, streams: Sequence[bytes]) -> None:
    """Write each into the folder, which is made where it is not there. SysletError, OSError."""
    corpus = Corpus(folder)
    for data in streams:
        corpus.add(data)


def main(words: Sequence[str] | None = None) -> int:
    """0; 1 where they cannot be written."""
    parser = argparse.ArgumentParser(
        prog="python -m syslet_conformance.fuzz.seeds",
        description="Write streams of every theme into a corpus folder.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    options = parser.parse_args(words)
    streams = seeds("seeds")
    try:
        write(options.folder, streams)
    except (SysletError, OSError) as error:
        print(f"seeds: {error}", file=sys.stderr)
        return 1
    print(f"{len(streams)} streams in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
