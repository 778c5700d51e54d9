"""The command line in a process of its own, with the engines of this folder, for tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MAIN = "from syslet_conformance.cli import main; main()"

ONE = "chaining::test_next_is_followed_after_a_syscall_that_failed[async-ilp32-le]"
OTHER = ONE.replace("async", "cached")
TWO = ("--test", ONE, "--test", OTHER)
"""Two tests, so that a run is short."""


def syslet(*words: str | Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command; `before` is Python that is run first."""
    environment = {**os.environ, "PYTHONPATH": str(HERE), "NO_COLOR": "1", "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-c", before + MAIN, *map(str, words)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=110,
    )


def wrong(name: str) -> str:
    """The backend of an engine of `engines_for_tests`."""
    return f"python:engines_for_tests:{name}"
