"""What the suite on the reference costs beside as many empty parametrized tests in pytest.

``python bench/suite.py [REPEATS]`` prints medians of ratios of whole processes, run in turn.
``syslet run`` has its tests run by workers, on the reference by one a processor; the empty tests
are run by as many workers of pytest-xdist (goal: at most 3). Beside that what one worker costs,
also where pytest runs the empty tests in its own process, and without the chains that are long for
their own sake. All find byte code that an earlier run has left, as they do where Python keeps it.
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

from syslet_conformance.backends import EMBEDDED
from syslet_conformance.commands.run import usual_jobs

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
        tests = int(timed(*syslet)[2].rsplit(" by ", 1)[1].split()[0])
        empty = Path(folder) / "test_empty.py"
        empty.write_text(
            "import pytest\n\n\n"
            f'@pytest.mark.parametrize("number", range({tests}))\n'
            "def test_empty(number):\n    pass\n"
        )
        bare = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(empty))
        workers = str(usual_jobs(EMBEDDED))
        one = (*syslet, "--jobs", "1")
        timed(*bare)
        rows = {
            f"as usual, workers each: {workers} (goal <= 3)": (syslet, (*bare, "-n", workers)),
            "one worker each": (one, (*bare, "-n", "1")),
            "one worker, beside pytest's own process": (one, bare),
            "  without the long chains": ((*one, "-k", f"not ({LONG})"), bare),
            "  nor what is drawn or carries much": ((*one, "-k", f"not ({LONG} or {DRAWN})"), bare),
            "  start and collection alone": ((*one, "-k", "no_such_test"), bare),
        }
        ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
        for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
            spent = {words: timed(*words)[:2] for words in dict.fromkeys(sum(rows.values(), ()))}
            for name, (suite, peer) in rows.items():
                seconds, cpu_s = spent[suite]
                peer_s, peer_cpu_s = spent[peer]
                ratios[name].append((seconds / peer_s, cpu_s / peer_cpu_s))
    print(f"{tests} tests: suite / empty tests, in time and in CPU time")
    for name, pairs in ratios.items():
        times, cpus = zip(*pairs, strict=True)
        print(f"  {statistics.median(times):5.2f} {statistics.median(cpus):5.2f}  {name}")


if __name__ == "__main__":
    main()
