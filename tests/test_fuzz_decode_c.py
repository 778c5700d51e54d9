"""The C target decodes streams as `syslet fuzz` does, and its tables are those of the suite."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from syslet_conformance.fuzz import c_tables
from syslet_conformance.fuzz.arena import CALLS, Arena
from syslet_conformance.fuzz.generate import THEMES, Generator
from syslet_conformance.fuzz.play import closing
from syslet_conformance.fuzz.stream import MOST_STREAM_BYTES, image, of_bytes, to_bytes
from syslet_layouts import abi_named
from syslet_native.build_fuzz import build_show
from syslet_native.c_compiler import why_not

STRINGS = 2000
ABI_OF_WORD = {"lp64": "lp64-le", "ilp32": "ilp32-le"}
BASE = 0x5A5A_0000
NUMBERS = {name: 0x1234_5600 + index for index, name in enumerate(CALLS)}
FDS = (7, 8, 19, 20)
SIZE = struct.Struct("=I")


@pytest.fixture(scope="module", params=ABI_OF_WORD)
def word(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if reason := why_not(name):
        pytest.skip(f"{name}: {reason}")
    return name


@pytest.fixture(scope="module")
def show(word: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that shows what streams are decoded to."""
    program = tmp_path_factory.mktemp(word) / "show"
    build_show(program, word)
    return program


def _strings() -> list[bytes]:
    """Bytes of every length, whole streams, and those of the generator."""
    random = Random(1)
    generator = Generator(random)
    found = [random.randbytes(random.randrange(MOST_STREAM_BYTES + 20)) for _ in range(STRINGS)]
    found += [random.randbytes(MOST_STREAM_BYTES) for _ in range(STRINGS // 4)]
    found += [to_bytes(generator.draw(theme)) for theme in range(len(THEMES)) for _ in range(20)]
    return [b"", *found]


def _shown(output: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(output):
        (size,) = SIZE.unpack_from(output, at)
        at += SIZE.size + size
        found.append(output[at - size : at])
    return found


def test_c_decodes_any_bytes_as_python_does(show: Path, word: str) -> None:
    strings = _strings()
    arena = Arena(abi_named(ABI_OF_WORD[word]), BASE, NUMBERS)
    command = [str(show), str(BASE), *map(str, arena.nrs), *map(str, FDS)]
    given = b"".join(SIZE.pack(len(data)) + data for data in strings)
    ran = subprocess.run(command, input=given, capture_output=True, check=True)
    shown = _shown(ran.stdout)
    assert len(shown) == len(strings)
    for data, got in zip(strings, shown, strict=True):
        stream = of_bytes(data)
        steps = [*stream.steps, *closing(stream)]
        assert got == bytes(image(stream, arena, FDS)) + b"".join(map(bytes, steps)), data.hex()


def test_the_tables_are_those_of_the_suite() -> None:
    assert c_tables.HEADER.read_text() == c_tables.tables()


def test_check_fails_where_the_tables_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "stream_tables.h"
    stale.write_text(c_tables.tables().replace("STREAM_ATOMS 8", "STREAM_ATOMS 9"))
    monkeypatch.setattr(c_tables, "HEADER", stale)
    assert c_tables.main(["--check"]) == 1
    assert "not what c_tables writes" in capsys.readouterr().err
    assert c_tables.main([]) == 0
    assert c_tables.main(["--check"]) == 0


def test_the_tables_are_checked_by_a_command() -> None:
    command = [sys.executable, "-m", "syslet_conformance.fuzz.c_tables", "--check"]
    assert subprocess.run(command, check=False).returncode == 0
