"""The example engine in JavaScript, for the tests of it: its command, and one of it on each ABI."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from syslet_conformance.protocol import ProtocolEngine
from syslet_layouts import abi_named

FOLDER = Path(__file__).parent.parent / "fixtures" / "engines" / "node"

OLDEST = 18
"""The major version of Node that the engine is written for, and later ones."""

COMMAND = ["node", str(FOLDER / "engine.mjs")]


def why_not() -> str:
    """Why the engine cannot run here, or the empty string."""
    if shutil.which("node") is None:
        return "node not found: install Debian's nodejs"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", said)
    if version is None or int(version[1]) < OLDEST:
        return f"node is {said.strip() or 'of no version'}: v{OLDEST} or later is wanted"
    return ""


needs_node = pytest.mark.skipif(bool(why_not()), reason=why_not())


def opened(abi: str) -> Iterator[ProtocolEngine]:
    """For a fixture: the engine on that ABI, which ends as it should."""
    engine = ProtocolEngine(COMMAND, abi_named(abi))
    yield engine
    engine.close()
    assert engine.process.returncode == 0, engine.said


one_abi = pytest.mark.parametrize("engine", ["lp64-le"], indirect=True)

OUTSTANDING = """
pipe p
pipe q
word room_at = &room
word one = 1
ring completions 2
head h ring=completions
atom patient read(&p.read, &room_at, &one) flags=SYNC
atom pending read(&q.read, &room_at, &one)
buffer room 1
"""
"""A syslet that blocks its caller, and one that is pending, on a pipe each."""
