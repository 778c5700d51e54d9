"""The libFuzzer target: it finds nothing in the native engine, and what is broken it finds."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import fuzz_c_mutants
import pytest

from syslet_conformance.backends import backend_named
from syslet_conformance.fuzz import seeds
from syslet_conformance.fuzz.corpus import Corpus
from syslet_conformance.fuzz.stream import MOST_STREAM_BYTES, Stream, of_bytes, to_bytes
from syslet_conformance.smoke import STEPS, look
from syslet_layouts import abi_named
from syslet_native import build_fuzz
from syslet_native.build_fuzz import NO_CLANG, NO_LIBFUZZER, build_target, clang
from syslet_native.build_host import HERE as ENGINE
from syslet_native.build_host import engine_of
from syslet_native.c_compiler import BuildFailed

RUNS, MOST_S = 20_000, 20
FOUND_WITHIN_S = 60
MUTANTS = {
    "Overwrites": "a completion too few",
    "WrapsASlotEarly": "the kernel's index is not that of the entries",
    "MarksPrivateBehindSix": "memory changed that nothing names",
    "FaultStaysPending": "wait does not return",
}
"""Mutants that break a rule, and the rule."""

try:
    clang()
except BuildFailed as failure:
    pytest.skip(str(failure), allow_module_level=True)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The target of the engine as it is."""
    program = tmp_path_factory.mktemp("target") / "fuzz-native"
    build_target(program)
    return program


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus of seeds."""
    folder = tmp_path / "corpus"
    seeds.write(folder, seeds.seeds("seeds"))
    return folder


def _run(program: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(program), f"-max_len={MOST_STREAM_BYTES}", "-seed=1", *options, str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", cwd=folder.parent, check=False
    )


def test_the_engine_breaks_no_rule_and_the_corpus_leads_both_ways(
    target: Path, corpus: Path
) -> None:
    before = {path.name for path in corpus.iterdir()}
    ran = _run(target, corpus, f"-runs={RUNS}", f"-max_total_time={MOST_S}")
    assert ran.returncode == 0, ran.stderr
    done = re.search(r"^Done (\d+) runs", ran.stderr, re.M)
    assert done
    assert int(done[1]) > len(before)
    written = [path for path in corpus.iterdir() if path.name not in before]
    assert written
    streams, wrong = Corpus(corpus).streams()
    assert not wrong
    assert len(streams) == len(before) + len(written)
    assert all(of_bytes(to_bytes(of_bytes(data))) == of_bytes(data) for data in streams)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", MUTANTS)
def test_an_engine_that_breaks_a_rule_is_found(name: str, corpus: Path, tmp_path: Path) -> None:
    fuzz_c_mutants.write_sources(fuzz_c_mutants.MUTANTS[name], tmp_path / "engine")
    program = tmp_path / "fuzz-mutant"
    build_target(program, tmp_path / "engine")
    ran = _run(program, corpus, f"-max_total_time={FOUND_WITHIN_S}")
    assert f"rule broken: {MUTANTS[name]}\n" in ran.stderr
    (crash,) = tmp_path.glob("crash-*")
    again = subprocess.run([str(program), str(crash)], capture_output=True, text=True, check=False)
    assert MUTANTS[name] in again.stderr
    assert isinstance(of_bytes(crash.read_bytes()), Stream)


def test_without_clang_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_fuzz.main(["-o", str(tmp_path / "program")]) == 1
    assert capsys.readouterr().err == f"build_fuzz: {NO_CLANG}\n"


def test_without_the_runtime_of_clang_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clang").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "clang").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildFailed, match=f"^{re.escape(NO_LIBFUZZER)}$"):
        clang()


def test_clang_builds_an_engine_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "clang")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library = engine_of(ENGINE, "lp64")
    backend = backend_named(f"lib:{library}")
    engine = backend.open(abi_named(backend.abis[0]))
    try:
        steps = list(look(engine))
    finally:
        engine.close()
    assert [step.name for step in steps if not step.wrong] == list(STEPS)
