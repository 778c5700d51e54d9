"""Programs for the historical calls run on the engine, under the preload library.

Each is built for both word sizes. Its text on standard output was written down from what the
calls are to do.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from syslet_native.build_engine import HERE, SOURCES, cflags
from syslet_native.build_preload import LIBRARY_NAMES, PRELOAD, build, main
from syslet_native.c_compiler import NO_32_BIT, BuildFailed, compiler

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "preload.md"
SOURCE = ROOT / "tests" / "native" / "preload_program.c"
WARNINGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]

HISTORICAL = {"lp64": 280, "ilp32": 325}
OTHER_HISTORICAL = {"lp64": 286, "ilp32": 320}
"""The numbers of async_exec that programs were built with; the library takes the first ones."""

CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith(("SYSLET_", "LD_"))
}


@dataclass(frozen=True)
class Built:
    """The library and the program of one word size."""

    word_size: str
    library: Path
    program: Path

    def run(
        self, words: list[str], environment: dict[str, str], *, preload: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the program, under the library and with its SYSLET_ variables."""
        added = {f"SYSLET_{name}": value for name, value in environment.items()}
        if preload:
            added["LD_PRELOAD"] = str(self.library)
        return run([str(self.program), *words], added)

    def says(self, *words: str, **environment: str) -> list[str]:
        """Its lines, once it has ended well."""
        ran = self.run(list(words), environment)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout.splitlines()


def run(words: list[str], added: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, env={**CLEAN, **added}, capture_output=True, text=True, timeout=90, check=False
    )


def built_for(word_size: str, folder: Path) -> Built:
    """Build both, or skip where that cannot be done here."""
    m32 = word_size == "ilp32"
    try:
        command = compiler()
    except BuildFailed as failure:
        pytest.skip(f"preload-{word_size}: {failure}")
    try:
        library = build(folder, m32=m32, extra_flags=WARNINGS)
    except BuildFailed as failure:
        if "gcc-multilib" not in str(failure):
            raise
        pytest.skip(f"preload-{word_size}: {failure}")
    program = folder / "preload_program"
    words = [*command, *WARNINGS, *(["-m32"] if m32 else []), "-pthread"]
    subprocess.run([*words, str(SOURCE), "-o", str(program)], check=True)
    return Built(word_size, library, program)


@pytest.fixture(scope="module", params=["lp64", "ilp32"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Each word size."""
    return built_for(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def built_64(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The word size of the programs that are here anyway."""
    return built_for("lp64", tmp_path_factory.mktemp("lp64"))


@pytest.fixture(scope="module")
def built_32(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The other one."""
    return built_for("ilp32", tmp_path_factory.mktemp("ilp32"))


# -- the calls -----------------------------------------------------------------------------


def test_the_program_of_the_design_document_says_hello(built: Built) -> None:
    assert built.says("hello", PRELOAD="1") == [
        "Hello Syslet World!",
        "completed an async syslet atom!",
    ]


def test_reads_in_parallel_count_themselves_with_umem_add(built: Built) -> None:
    assert built.says("reads", PRELOAD="1") == ["16 events, 100 bytes each"]


@pytest.mark.parametrize("base", ["other historical", "past the table", "a call of today's"])
def test_the_number_of_exec_sets_the_others(built: Built, base: str) -> None:
    number = {
        "other historical": OTHER_HISTORICAL[built.word_size],
        "past the table": 70000,
        "a call of today's": 40,
    }[base]
    assert built.says("reads", str(number), NR_EXEC=str(number)) == ["16 events, 100 bytes each"]
    assert built.says("reentry", str(number), NR_EXEC=hex(number)) == [
        "async_exec in an atom: refused",
        "async_wait in an atom: refused",
        "async_thread in an atom: refused",
    ]


def test_each_number_is_set_alone(built: Built) -> None:
    base = HISTORICAL[built.word_size]
    alone = {"NR_WAIT": "601", "NR_UMEM_ADD": "602", "NR_THREAD": "603"}
    assert built.says("reads", "600", NR_EXEC="600", **alone) == ["16 events, 100 bytes each"]
    assert built.says("reads", "600", NR_EXEC="600") == ["16 events, 100 bytes each"]
    assert built.says("others", "600", NR_UMEM_ADD="602")[-1] == "umem_add: ours"
    assert built.says("cached", str(base), NR_UMEM_ADD="602") == ["cached: the first atom"]


def test_a_library_that_was_not_asked_for_takes_no_number(built: Built) -> None:
    exec_set: dict[str, str] = {"PRELOAD": "0", "NR_EXEC": str(HISTORICAL[built.word_size])}
    for environment in ({}, {"PRELOAD": "0"}, exec_set):
        ran = built.run(["hello"], environment)
        assert ran.returncode == 3, ran
        assert ran.stdout.startswith("async_exec: ")
        assert built.says("others", **environment)[-1] == "umem_add: not ours"


def test_without_the_library_there_are_no_such_calls(built: Built) -> None:
    ran = built.run(["hello"], {"PRELOAD": "1"}, preload=False)
    assert ran.returncode == 3, ran
    assert ran.stdout.startswith("async_exec: ")


@pytest.mark.parametrize(
    ("environment", "atom"),
    [({}, "first"), ({"CACHED_RETURN": "first"}, "first"), ({"CACHED_RETURN": "final"}, "final")],
    ids=["default", "first", "final"],
)
def test_the_cached_return_is_chosen(built: Built, environment: dict[str, str], atom: str) -> None:
    assert built.says("cached", PRELOAD="1", **environment) == [f"cached: the {atom} atom"]
    assert built.says("races", PRELOAD="1", **environment) == [f"all: the {atom} atom"]


def test_errno_is_that_of_the_call_or_of_the_last_result(built: Built) -> None:
    assert built.says("errors", PRELOAD="1") == [
        "close: -9, errno Bad file descriptor",
        "getpid: right, errno Inappropriate ioctl for device",
        "exec of no atom: -1, errno Bad address",
        "umem_add: 42",
        "umem_add of no word: -1, errno Bad address",
        "wait for none: 0",
    ]


def test_an_atom_does_not_submit_wait_or_give_a_thread(built: Built) -> None:
    assert built.says("reentry", PRELOAD="1") == [
        "async_exec in an atom: refused",
        "async_wait in an atom: refused",
        "async_thread in an atom: refused",
    ]


def test_parent_and_child_of_a_fork_both_go_on(built: Built) -> None:
    expected = []
    for when in ("before the first exec", "while a syslet is blocked"):
        for who in ("child", "parent"):
            expected += [
                f"fork {when}, {who}:",
                "16 events, 100 bytes each",
                "cached: the final atom",
            ]
    expected.append("the blocked one: right")
    assert built.says("forks", PRELOAD="1", CACHED_RETURN="final") == expected


def test_a_thread_that_the_program_gives_is_kept(built: Built) -> None:
    assert built.says("thread", PRELOAD="1") == [
        "16 events, 100 bytes each",
        "async_thread returned 0 times",
        "a signal: Interrupted system call",
        "an event: -1, errno Function not implemented",
    ]


def test_other_numbers_go_to_the_kernel(built: Built) -> None:
    lines = [
        "getpid: right",
        "close: -1, errno Bad file descriptor",
        "unknown: -1, errno Function not implemented",
    ]
    assert built.says("others", PRELOAD="1") == [*lines, "umem_add: ours"]
    without = built.run(["others"], {}, preload=False)
    assert without.stdout.splitlines() == [*lines, "umem_add: not ours"]


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with the library's sources linked in, under sanitizers."""
    program = tmp_path_factory.mktemp("sanitized") / "preload_program"
    try:
        words = [*compiler(), "-fsanitize=address,undefined", "-fno-sanitize-recover", "-pthread"]
    except BuildFailed as failure:
        pytest.skip(f"preload-sanitized: {failure}")
    probe = program.with_name("probe.c")
    probe.write_text("int main(void) { return 0; }\n")
    if subprocess.run([*words, str(probe), "-o", str(program)], check=False).returncode:
        pytest.skip("preload-sanitized: the compiler has no sanitizers")
    includes = [f"-I{HERE / name}" for name in ("include", "src")]
    sources = map(str, (SOURCE, *SOURCES, *sorted(PRELOAD.glob("*.c"))))
    flags = [flag for flag in (*cflags(compiler()), *WARNINGS) if not flag.startswith("-O")]
    subprocess.run([*words, *flags, "-O1", *includes, *sources, "-o", str(program)], check=True)
    return program


@pytest.mark.parametrize("part", ["reads", "cached", "errors", "forks", "thread", "races"])
def test_a_part_runs_clean_under_sanitizers(sanitized: Path, part: str) -> None:
    ran = run([str(sanitized), part], {"SYSLET_PRELOAD": "1"})
    assert (ran.returncode, ran.stderr) == (0, "")


# -- what is not right ---------------------------------------------------------------------

NUMBER = "wanted a number from 1 to 2147483644"
BAD = {
    "not a number": ({"NR_EXEC": "28o"}, f"SYSLET_NR_EXEC='28o': {NUMBER}"),
    "empty": ({"NR_EXEC": ""}, f"SYSLET_NR_EXEC='': {NUMBER}"),
    "zero": ({"NR_WAIT": "0"}, f"SYSLET_NR_WAIT='0': {NUMBER}"),
    "negative": ({"NR_UMEM_ADD": "-5"}, f"SYSLET_NR_UMEM_ADD='-5': {NUMBER}"),
    "too great": ({"NR_THREAD": "2147483645"}, f"SYSLET_NR_THREAD='2147483645': {NUMBER}"),
    "only 0x": ({"NR_EXEC": "0x"}, f"SYSLET_NR_EXEC='0x': {NUMBER}"),
    "two of one number": (
        {"NR_EXEC": "600", "NR_WAIT": "600"},
        "SYSLET_NR_WAIT='600': wanted another number than SYSLET_NR_EXEC has",
    ),
    "a number that follows from another": (
        {"NR_EXEC": "600", "NR_WAIT": "603"},
        "SYSLET_NR_WAIT='603': wanted another number than SYSLET_NR_THREAD has",
    ),
    "neither 0 nor 1": ({"PRELOAD": "yes"}, "SYSLET_PRELOAD='yes': wanted 0 or 1"),
    "neither first nor final": (
        {"PRELOAD": "1", "CACHED_RETURN": "last"},
        "SYSLET_CACHED_RETURN='last': wanted first or final",
    ),
    "long, with a line end": (
        {"NR_EXEC": "1\n" + "x" * 99},
        f"SYSLET_NR_EXEC='1?{'x' * 38}': {NUMBER}",
    ),
}


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.replace(" ", "-"))
def test_a_bad_variable_is_named_on_one_line_and_the_calls_fail(built: Built, case: str) -> None:
    environment, message = BAD[case]
    number = environment.get("NR_EXEC", "")
    words = ["hello", number] if number.isdecimal() else ["hello"]
    ran = built.run(words, environment)
    assert ran.stderr == f"syslet-preload: {message}\n"
    assert (ran.returncode, ran.stdout) == (3, "async_exec: Function not implemented\n")


ORDINARY = """
import os, subprocess, threading

thread = threading.Thread(target=lambda: print(subprocess.check_output(["echo", "hello"])))
thread.start()
thread.join()
os.utime(".", ns=(os.stat(".").st_atime_ns, os.stat(".").st_mtime_ns))
"""

TWO_ENGINES = """
import ctypes
from syslet_native._engine import ffi, lib

libc = ctypes.CDLL(None, use_errno=True)
word = ctypes.c_void_p(8)

print(libc.syscall(282, word, 1), ctypes.get_errno())
assert lib.syslet_start(ffi.NULL) == 0
for _ in range(2):
    theirs = lib.umem_add(ffi.cast("unsigned long *", 8), 1)
    print(libc.syscall(282, word, 1), ctypes.get_errno(), theirs)
"""
"""The preload library's engine (umem_add is number 282), and that of the Python package."""


# -- ordinary programs ---------------------------------------------------------------------


@pytest.mark.parametrize("asked", [False, True], ids=["not-asked", "asked"])
def test_ordinary_programs_run_untouched(built_64: Built, asked: bool) -> None:
    added = {"LD_PRELOAD": str(built_64.library), **({"SYSLET_PRELOAD": "1"} if asked else {})}
    for words in (["/bin/ls", "-l", str(ROOT / "docs")], [sys.executable, "-c", ORDINARY]):
        plain, under = run(words, {}), run(words, added)
        assert plain.returncode == 0
        assert (under.returncode, under.stdout, under.stderr) == (0, plain.stdout, plain.stderr)


def test_two_engines_in_a_process_keep_to_their_own_faults(built_64: Built) -> None:
    pytest.importorskip("syslet_native._engine", reason="native: it was not built here")
    added = {"LD_PRELOAD": str(built_64.library), "SYSLET_PRELOAD": "1"}
    ran = run([sys.executable, "-c", TWO_ENGINES], added)
    assert (ran.stdout, ran.stderr) == ("-1 14\n-1 14 -14\n-1 14 -14\n", "")


# -- the builder, and the page -------------------------------------------------------------


def test_the_library_exports_syscall_alone(built: Built) -> None:
    if not (nm := shutil.which("nm")):
        pytest.skip("nm is not on PATH")
    listed = run([nm, "-D", "--defined-only", str(built.library)], {}).stdout
    assert [line.split()[-1] for line in listed.splitlines()] == ["syscall"]


def test_the_builder_says_on_one_line_what_is_wanting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = tmp_path / "fails"
    fails.write_text("#!/bin/sh\nexit 1\n")
    fails.chmod(0o755)
    for environment, words, message in (
        ({"CC": "no-such-cc"}, [], "no C compiler: CC=no-such-cc is not on PATH"),
        ({"CC": "", "PATH": str(tmp_path / "none")}, [], "no C compiler: none of cc, gcc, clang"),
        ({"CC": str(fails)}, [], f"{fails}: exit status 1"),
        ({"CC": str(fails)}, ["--m32"], NO_32_BIT),
        ({"CC": "'"}, [], 'CC="\'": No closing quotation'),
    ):
        with monkeypatch.context() as patched:
            for name, value in environment.items():
                patched.setenv(name, value)
            assert main(["-o", str(tmp_path / "out"), *words]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"build_preload: {message}")
        assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_commands_of_the_page_do_what_it_says(
    built_64: Built, built_32: Built, tmp_path: Path
) -> None:
    assert (built_64.library.name, built_32.library.name) == tuple(LIBRARY_NAMES.values())
    shown = [line[4:] for line in PAGE.read_text().splitlines() if line.startswith("    ")]
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    said = []
    for line in shown:
        if not line.startswith("$ "):
            continue
        command = re.sub(r"\bpython\b", shlex.quote(sys.executable), line[2:])
        command = re.sub(r"\bcc\b", shlex.join(compiler()), command)
        ran = run(["/bin/sh", "-c", f"cd {shlex.quote(str(tmp_path))} && {command}"], {})
        said += [line, *ran.stdout.splitlines(), *ran.stderr.splitlines()]
    assert said == shown


def test_the_numbers_of_the_page_mean_today_what_it_says(built: Built, tmp_path: Path) -> None:
    machine = {"lp64": "x86-64", "ilp32": "i386"}[built.word_size]
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {machine} |")]
    facts = [fact for row in rows for fact in re.findall(r"(\d+), now (\w+)", row)]
    assert len(facts) == 8
    source = tmp_path / "numbers.c"
    asserts = [f'_Static_assert(SYS_{name} == {number}, "{name}");' for number, name in facts]
    source.write_text("\n".join(["#include <sys/syscall.h>", *asserts, ""]))
    bits = ["-m32"] if built.word_size == "ilp32" else []
    subprocess.run([*compiler(), *bits, "-fsyntax-only", str(source)], check=True)
