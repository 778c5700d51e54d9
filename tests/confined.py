"""Scripts that run in a process of their own, or in one that confined itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syslet_conformance.fuzz import sandbox
from syslet_native import why_not_available

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures" / "programs"

needs_sandbox = pytest.mark.skipif(bool(sandbox.why_not()), reason=sandbox.why_not())
needs_native = pytest.mark.skipif(bool(why_not_available()), reason=why_not_available())

START = """
import ctypes, errno, os, resource, signal, subprocess, sys, threading
from pathlib import Path
from syslet_conformance.fuzz import landlock
from syslet_conformance.fuzz.call_names import X86_64
from syslet_conformance.fuzz.libc import call
from syslet_conformance.fuzz.sandbox import confine
from syslet_layouts import SysletError, abi_named
box = Path(sys.argv[1])
"""


def python(script: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script after `START`, in a session of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    return subprocess.run(
        [sys.executable, "-c", START + script, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=100,
        start_new_session=True,
    )


def inside(
    box: Path, script: str, *words: str | Path, programs: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a script in a process that confined itself to `box`."""
    return python(f"confine(box, programs={programs})\n{script}", box, *words)


def said(ran: subprocess.CompletedProcess[str]) -> str:
    """What a script printed, which ended as it should."""
    assert ran.returncode == 0, (ran.returncode, ran.stderr)
    return ran.stdout
