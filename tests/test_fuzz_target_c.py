"""The libFuzzer target: it finds nothing in the native engine, and what is broken it finds."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import fuzz_c_mutants
import pytest

from syslet_conformance.backends import backend_named
from syslet_conformance.fuzz import seeds
from syslet_conformance.fuzz.arena import CALLS, CODE, NUMBERS, OF_NUMBERS, OF_POINTERS
from syslet_conformance.fuzz.corpus import Corpus
from syslet_conformance.fuzz.stream import (
    CONSUME,
    EXEC,
    MOST_STREAM_BYTES,
    POKE,
    STORE,
    Drawn,
    Step,
    Stream,
    of_bytes,
    to_bytes,
)
from syslet_conformance.smoke import STEPS, look
from syslet_layouts import abi_named
from syslet_native import build_fuzz
from syslet_native.build_fuzz import NO_CLANG, NO_LIBFUZZER, build_target, clang
from syslet_native.build_host import HERE as ENGINE
from syslet_native.build_host import engine_of
from syslet_native.c_compiler import BuildFailed

RUNS, MOST_S = 20_000, 8
FOUND_WITHIN_S = 60
MUTANTS = {
    "Overwrites": "a completion too few|the kernel's index is not that of the entries",
    "WrapsASlotEarly": "the kernel's index is .*",
    "MarksPrivateBehindSix": "memory changed that nothing names",
    "FaultStaysPending": "wait does not return|a syslet is pending for ever",
}
"""Mutants that break rules, and which of them a stream can be the first to break."""

TRIES = 50
"""How often a find is played again: it may need an order that does not come each time."""

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


def _run(program: Path, corpus: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it on a corpus, or one file."""
    command = [str(program), f"-max_len={MOST_STREAM_BYTES}", "-seed=1", *options, str(corpus)]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", cwd=corpus.parent, check=False
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


A0, N0, N1, P0 = CODE[0], OF_NUMBERS[0], OF_NUMBERS[1], OF_POINTERS[0]
UMEM_ADD, GETPID, WRITE = (CALLS.index(name) for name in ("umem_add", "getpid", "write"))
ONE, EIGHT, FAR = (NUMBERS.index(number) for number in (1, 8, 0x7FFF_FFFF))
NR_BYTES = 8
"""Where nr starts in an atom of 64-bit words."""

EXIT_GROUP = {"x86_64": 231, "aarch64": 94}
"""The number of the call that ends a process, by machine."""

HARMFUL = {
    "ends-the-process": (
        Drawn(A0, 0, GETPID, 0, 0, ()),
        Step(POKE, A0, NR_BYTES, EXIT_GROUP.get(platform.machine(), 0)),
    ),
    "writes-to-the-output": (Drawn(A0, 0, WRITE, 0, 0, (N0, P0, N1)), Step(CONSUME)),
    "adds-to-memory-of-the-sanitizer": (
        Drawn(A0, 0, UMEM_ADD, 0, 0, (P0, N0)),
        Step(STORE, P0, FAR),
    ),
    "stores-in-memory-of-the-sanitizer": (
        Drawn(A0, 0, GETPID, 0, 0, ()),
        Step(STORE, CODE.stop + 2, FAR),
    ),
    "goes-round-for-ever": (Drawn(A0, 0, UMEM_ADD, 0, A0, (P0, N0)), Step(CONSUME)),
    "goes-round-for-ever-asynchronously": (Drawn(A0, 1, GETPID, 0, A0, ()), Step(CONSUME)),
}
"""What a stream could do to the process that plays it: an atom, and what is done to it before."""


@pytest.mark.parametrize("name", HARMFUL)
def test_a_stream_does_no_harm(name: str, target: Path, tmp_path: Path) -> None:
    atom, step = HARMFUL[name]
    pointers = (N0, 0, 0, 0)
    stream = Stream((1, 1), (ONE, EIGHT, 0, 0, 0, 0), pointers, (atom,), (step, Step(EXEC, A0)))
    path = tmp_path / name
    path.write_bytes(to_bytes(stream))
    ran = subprocess.run(
        [str(target), str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(rf"^Executed {path} in ", ran.stderr, re.M), ran.stderr
    assert ran.stdout == ""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", MUTANTS)
def test_an_engine_that_breaks_a_rule_is_found(name: str, corpus: Path, tmp_path: Path) -> None:
    fuzz_c_mutants.write_sources(fuzz_c_mutants.MUTANTS[name], tmp_path / "engine")
    program = tmp_path / "fuzz-mutant"
    build_target(program, tmp_path / "engine")
    ran = _run(program, corpus, f"-max_total_time={FOUND_WITHIN_S}")
    rule = rf"^rule broken: ({MUTANTS[name]})$"
    assert re.search(rule, ran.stderr, re.M), ran.stderr
    (crash,) = tmp_path.glob("crash-*")
    again = _run(program, crash, f"-runs={TRIES}")
    assert re.search(rule, again.stderr, re.M), again.stderr


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
