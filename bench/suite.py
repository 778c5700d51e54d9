"""What the suite on the reference costs beside as many empty parametrized tests in pytest.

Prints the ratio of medians of whole processes, run in turn (goal: at most 3).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 3


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
        times = [(run(*syslet)[0], run(*pytest)[0]) for _ in range(REPEATS)]
    ratio = statistics.median(suite / bare for suite, bare in times)
    print(f"{tests} tests: suite / empty tests {ratio:.2f} (goal <= 3)")


if __name__ == "__main__":
    main()
