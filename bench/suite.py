"""What the suite on the reference costs beside as many empty parametrized tests in pytest.

``python bench/suite.py [REPEATS]`` prints medians of ratios of whole processes, run in turn (goal:
at most 3): of the whole suite, and of it without the chains that are long for their own sake. Both
find byte code that an earlier run has left, as they do where Python may keep it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

LONG = "long_loop or 100000_atoms"
"""Tests of chain.unbounded: a loop and a line, each on every ABI in both modes."""

DRAWN = "drawn_at_random or conserved_in or random_bytes or 1000_syslets"
"""Tests that draw, or carry much: more than others, each."""


def run(*words: str, byte_code: str) -> tuple[float, float, str]:
    """Seconds, seconds of CPU, and what was printed; `byte_code` is the folder where it is kept."""
    kept = {**os.environ, "PYTHONPYCACHEPREFIX": byte_code}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    before, started = os.times(), time.perf_counter()
    ran = subprocess.run(words, capture_output=True, text=True, check=False, env=kept)
    spent, after = time.perf_counter() - started, os.times()
    cpu = after.children_user - before.children_user
    return spent, cpu + after.children_system - before.children_system, ran.stdout


def main() -> None:
    syslet = (sys.executable, "-c", "from syslet_conformance.cli import main; main()", "run")
    with tempfile.TemporaryDirectory() as folder:
        timed = partial(run, byte_code=str(Path(folder) / "byte_code"))
        tests = int(timed(*syslet)[2].split(" ABIs by ")[1].split()[0])
        empty = Path(folder) / "test_empty.py"
        empty.write_text(
            "import pytest\n\n\n"
            f'@pytest.mark.parametrize("number", range({tests}))\n'
            "def test_empty(number):\n    pass\n"
        )
        bare = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(empty))
        timed(*bare)
        commands = {
            "whole suite (goal <= 3)": syslet,
            "without the long chains": (*syslet, "-k", f"not ({LONG})"),
            "without what is drawn or carries much, too": (
                *syslet,
                "-k",
                f"not ({LONG} or {DRAWN})",
            ),
            "start and collection alone": (*syslet, "-k", "no_such_test"),
        }
        ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
            bare_s, bare_cpu_s, _ = timed(*bare)
            for name, command in commands.items():
                seconds, cpu_s, _ = timed(*command)
                ratios[name].append((seconds / bare_s, cpu_s / bare_cpu_s))
    print(f"{tests} tests: suite / empty tests, in time and in CPU time")
    for name, pairs in ratios.items():
        times, cpus = zip(*pairs, strict=True)
        print(f"  {statistics.median(times):5.2f} {statistics.median(cpus):5.2f}  {name}")


if __name__ == "__main__":
    main()
