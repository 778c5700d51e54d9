"""What the suite on the reference costs beside as many empty parametrized tests in pytest.

``python bench/suite.py [REPEATS]`` prints medians of ratios of whole processes, run in turn (goal:
at most 3): of the whole suite, and of it without the chains that are long for their own sake.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LONG = "1000000_turns or 100000_atoms"
"""Tests of chain.unbounded: a loop and a line, each on every ABI in both modes."""


def run(*words: str) -> tuple[float, str]:
    """Seconds, and what was printed."""
    started = time.perf_counter()
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    return time.perf_counter() - started, ran.stdout


def main() -> None:
    syslet = (sys.executable, "-c", "from syslet_conformance.cli import main; main()", "run")
    _, said = run(*syslet)
    tests = int(said.split(" ABIs by ")[1].split()[0])
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "test_empty.py"
        empty.write_text(
            "import pytest\n\n\n"
            f'@pytest.mark.parametrize("number", range({tests}))\n'
            "def test_empty(number):\n    pass\n"
        )
        pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(empty))
        short = (*syslet, "-k", f"not ({LONG})")
        repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
        times = [(run(*syslet)[0], run(*short)[0], run(*pytest)[0]) for _ in range(repeats)]
    whole = statistics.median(suite / bare for suite, _, bare in times)
    without = statistics.median(suite / bare for _, suite, bare in times)
    print(f"{tests} tests: suite / empty tests {whole:.2f} (goal <= 3)")
    print(f"without the {LONG.replace('_', ' ')}: {without:.2f}")


if __name__ == "__main__":
    main()
