"""The native engine's C tests, for both word sizes and under sanitizers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syslet_native import layout_facts
from syslet_native.build_engine import HERE as ENGINE
from syslet_native.build_engine import OF_GCC, SOURCES, cflags
from syslet_native.c_compiler import BuildFailed, compile_c, compiler

HERE = Path(__file__).parent / "native"
BUILDS = {
    "lp64": [],
    "ilp32": ["-m32"],
    "address": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover"],
    "thread": ["-O1", "-fsanitize=thread"],
}
RUNS = {
    "stress": ["8", "100000", "1"],
    "stress-without-nowait": ["8", "5000", "2", "1"],
    "stress-without-uring": ["8", "5000", "3", "2"],
    "stress-without-aio": ["8", "5000", "4", "8"],
    "life": ["1000", "10000"],
    "hostile": ["1000000", "1"],
    "takeover": [],
    "ready": [],
    "calls": ["0"],
    "calls-without-nowait": ["1"],
    "calls-without-uring": ["2"],
    "calls-without-aio": ["8"],
    "calls-without-aio-and-uring": ["10"],
}
"""Program (up to the first dash) and its arguments."""

FEWER = {("address", "hostile"): ["60000", "1"]}
"""Each fault costs AddressSanitizer much."""

NOT_HERE = 77
"""Exit status of a program that needs what this machine has not; it says what."""

NOT = {
    ("thread", "hostile"): "ThreadSanitizer does not outlast a fault that is handled",
}

try:
    COMPILER = compiler()
except BuildFailed as failure:
    pytest.skip(str(failure), allow_module_level=True)

FLAGS = [*cflags(COMPILER), "-Wconversion", "-Werror", f"-I{ENGINE / 'include'}", f"-I{HERE}"]


def _links(flags: list[str], folder: Path) -> bool:
    empty = folder / "empty.c"
    empty.write_text("int main(void) { return 0; }\n")
    try:
        compile_c([*COMPILER, *flags, str(empty), "-o", str(folder / "empty")])
    except BuildFailed:
        return False
    return True


@pytest.fixture(scope="module", params=BUILDS)
def build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs of one build."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    if not _links(BUILDS[name], folder):
        what = "gcc-multilib" if name == "ilp32" else "the sanitizers of gcc"
        pytest.skip(f"the compiler makes no {name} program; {what} wanted")
    sources = [str(path) for path in SOURCES]
    for program in sorted({run.partition("-")[0] for run in RUNS}):
        command = [*COMPILER, *FLAGS, *BUILDS[name], str(HERE / f"{program}.c"), *sources]
        made = subprocess.run(
            [*command, "-o", str(folder / program)], capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
    return folder


@pytest.mark.parametrize("run", RUNS)
def test_a_c_test_runs_clean(build: Path, run: str, request: pytest.FixtureRequest) -> None:
    program = run.partition("-")[0]
    name = request.node.callspec.params["build"]
    if (name, program) in NOT:
        pytest.skip(NOT[name, program])
    words = FEWER.get((name, program), RUNS[run])
    ran = subprocess.run(
        [str(build / program), *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=build,
        timeout=110,
    )
    if ran.returncode == NOT_HERE:
        pytest.skip(ran.stderr.strip())
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""


def test_the_layout_facts_are_what_the_layouts_say() -> None:
    assert layout_facts.HEADER.read_text() == layout_facts.facts()


def test_check_fails_where_the_facts_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "layout_facts.h"
    stale.write_text(layout_facts.facts().replace("== 88", "== 96"))
    monkeypatch.setattr(layout_facts, "HEADER", stale)
    assert layout_facts.main(["--check"]) == 1
    assert "not what layout_facts writes" in capsys.readouterr().err
    assert layout_facts.main([]) == 0
    assert layout_facts.main(["--check"]) == 0


def test_a_wrong_layout_does_not_compile(tmp_path: Path) -> None:
    header = (ENGINE / "include" / "syslet.h").read_text()
    wrong = header.replace("\tlong *ret_ptr;\n", "\tlong *ret_ptr;\n\tlong more;\n")
    assert wrong != header
    (tmp_path / "syslet.h").write_text(wrong)
    (tmp_path / "layout_facts.h").write_text(layout_facts.facts())
    source = tmp_path / "facts.c"
    source.write_text('#include "syslet.h"\n#include "layout_facts.h"\n')
    ran = subprocess.run(
        [*COMPILER, "-c", str(source), "-o", str(tmp_path / "facts.o")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert "offsetof(struct syslet_uatom, next)" in ran.stderr


def test_the_module_is_run_as_a_command() -> None:
    command = [sys.executable, "-m", "syslet_native.layout_facts", "--check"]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_flag_that_the_compiler_refuses_is_dropped_and_no_other(tmp_path: Path) -> None:
    strict, lenient = tmp_path / "strict", tmp_path / "lenient"
    refuses = " ".join(f'case "$*" in *{flag}*) exit 1;; esac;' for flag in OF_GCC)
    for path, script in ((strict, refuses), (lenient, "")):
        path.write_text(f"#!/bin/sh\n{script}\nexit 0\n")
        path.chmod(0o700)
    kept = cflags([str(strict)])
    assert not set(OF_GCC) & set(kept)
    assert [flag for flag in cflags([str(lenient)]) if flag not in OF_GCC] == kept
    assert set(OF_GCC) < set(cflags([str(lenient)]))
