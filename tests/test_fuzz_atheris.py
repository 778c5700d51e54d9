"""What holds of any bytes, and the Atheris target that looks for bytes of which it does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from syslet_conformance.fuzz import any_bytes, atheris_target, seeds
from syslet_conformance.fuzz.corpus import Corpus
from syslet_conformance.image import assemble
from syslet_conformance.text import parse
from syslet_layouts import ABIS, Abi, SysletError

RUNS = 1500
FOUND_WITHIN_S = 60
TARGET = [sys.executable, "-m", "syslet_conformance.fuzz.atheris_target"]
BROKEN = """
import sys
from syslet_conformance.fuzz import atheris_target, stream

stream.LIMITS[stream.CLOSE] = (len(stream.ENDS) + 1, 1, 1)
sys.exit(atheris_target.main(sys.argv[1:]))
"""
"""Streams that close an end which is not there."""

PROGRAM = "word n = 1\natom first umem_add(&n, &n) ret=&n\n"


@pytest.mark.parametrize("seed", range(4))
def test_all_of_it_holds_of_random_bytes(seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        any_bytes.check(random.randbytes(random.randrange(300)))


def test_all_of_it_holds_of_streams() -> None:
    for data in seeds.seeds("any bytes", 10):
        any_bytes.check(data)


@pytest.mark.parametrize("abi", ABIS.values(), ids=ABIS)
def test_an_image_file_with_a_byte_changed_is_a_program_or_an_error(abi: Abi) -> None:
    data = assemble(parse(PROGRAM), abi)
    any_bytes.check_image_file(data)
    for at in range(len(data)):
        for value in (0, 1, 0x7F, 0xFF):
            any_bytes.check_image_file(data[:at] + bytes([value]) + data[at + 1 :])


def test_any_other_exception_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Exception] = [SysletError("malformed"), KeyError("label")]

    def broken(_data: bytes) -> None:
        raise raised.pop(0)

    monkeypatch.setattr(any_bytes, "disassemble", broken)
    any_bytes.check_image_file(b"")
    with pytest.raises(KeyError):
        any_bytes.check_image_file(b"")


def test_seeds_are_a_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert seeds.main([str(tmp_path / "seeds")]) == 0
    assert set(Corpus(tmp_path / "seeds").streams()[0]) == set(seeds.seeds("seeds"))
    assert re.match(r"\d+ streams in ", capsys.readouterr().out)
    (tmp_path / "file").touch()
    assert seeds.main([str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err == f"seeds: {tmp_path / 'file'}: File exists\n"


def test_where_atheris_is_missing_the_target_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert atheris_target.main([]) == 1
    assert capsys.readouterr().err == f"atheris_target: {atheris_target.NO_ATHERIS}\n"


# -- with Atheris --------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus of seeds. Skips where Atheris is not installed."""
    pytest.importorskip("atheris", reason=atheris_target.NO_ATHERIS)
    folder = tmp_path / "corpus"
    seeds.write(folder, seeds.seeds("seeds", 5))
    return folder


def _run(command: list[str], corpus: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, "-seed=1", *options, str(corpus)],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=corpus.parent,
        check=False,
    )


def test_a_short_run_finds_nothing(corpus: Path) -> None:
    ran = _run(TARGET, corpus, f"-runs={RUNS}")
    assert ran.returncode == 0, ran.stderr
    assert not Corpus(corpus).streams()[1]
    assert re.search(rf"^Done {RUNS} runs", ran.stderr, re.M), ran.stderr


def test_a_stream_that_cannot_be_played_is_found(corpus: Path) -> None:
    command = [sys.executable, "-c", BROKEN]
    ran = _run(command, corpus, f"-max_total_time={FOUND_WITHIN_S}")
    assert ran.returncode != 0
    assert "Uncaught Python exception" in ran.stdout + ran.stderr
    assert "IndexError" in ran.stdout + ran.stderr
    assert list(corpus.parent.glob("crash-*"))
