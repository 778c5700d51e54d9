"""The Atheris target: libFuzzer looks for bytes of which something does not hold.

``python -m syslet_conformance.fuzz.atheris_target FOLDER`` fuzzes the decoders and the reference,
with the corpus in the folder; more words are libFuzzer's own options, of which the last counts.
docs/fuzzing-targets.md has more.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

INSTRUMENTED = ["syslet_conformance", "syslet_layouts", "syslet_reference"]
"""The packages whose branches count as new."""

NO_ATHERIS = "no atheris: pip install 'syslet-conformance[fuzz]'"


def main(words: Sequence[str]) -> int:
    """1 where Atheris is not installed; otherwise libFuzzer ends the process."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print(f"atheris_target: {NO_ATHERIS}", file=sys.stderr)
        return 1
    with atheris.instrument_imports(include=INSTRUMENTED):
        any_bytes = importlib.import_module("syslet_conformance.fuzz.any_bytes")
    options = [f"-max_len={any_bytes.MOST_STREAM_BYTES}", *words]
    atheris.Setup([sys.argv[0], *options], any_bytes.check)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
