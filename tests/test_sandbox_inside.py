"""What runs in the sandbox of random syslets."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest
from confined import FIXTURES, inside, needs_native, needs_sandbox, python, said
from node_engine import COMMAND as NODE
from node_engine import why_not as why_no_node

from syslet_conformance.fuzz import landlock
from syslet_conformance.fuzz.refusal import REFUSED_EXIT
from syslet_conformance.fuzz.sandbox import refused
from syslet_native.build_host import engine_path, host_path
from syslet_native.c_compiler import why_not as why_no_compiler

IN_PROCESS_PROGRAMS = """
from click.testing import CliRunner
from syslet_conformance.cli import group
confine(box, programs=False)
for path in sorted(Path(sys.argv[2]).glob("*.syslet")):
    came = CliRunner().invoke(group, ["exec", str(path), "--no-trace", "--backend", sys.argv[3]])
    print(path.stem, came.exit_code, came.output if came.exit_code else "")
"""
"""Cached, forced asynchronous, blocked and fed: the programs of the fixtures."""


@needs_sandbox
@pytest.mark.parametrize(
    "backend", [pytest.param("native", marks=needs_native), pytest.param("reference")]
)
def test_an_engine_in_the_process_runs_every_program(tmp_path: Path, backend: str) -> None:
    lines = said(python(IN_PROCESS_PROGRAMS, tmp_path, FIXTURES, backend)).splitlines()
    lines = [line.strip() for line in lines if line != "Hello Syslet World!"]
    assert lines == [f"{path.stem} 0" for path in sorted(FIXTURES.glob("*.syslet"))]


LOOK = """
from syslet_conformance.backends import backend_named
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.smoke import look
programs = len(sys.argv) > 2
print(confine(box, programs=programs))
if programs:
    engine = ProtocolEngine(sys.argv[2:])
else:
    backend = backend_named("native")
    engine = backend.open(abi_named(backend.abis[0]))
for step in look(engine):
    print(step.name, step.wrong or step.skipped or "ok")
engine.close()
if programs:
    print(engine.process.returncode)
"""
STEPS = ["map", "poke, peek", "getpid", "block", "release", "wait", "unmap, close"]
OK = [f"{step} ok" for step in STEPS]


@needs_sandbox
@needs_native
def test_the_native_engine_blocks_and_is_fed_inside(tmp_path: Path) -> None:
    first, *steps = said(python(LOOK, tmp_path)).splitlines()
    assert steps == OK
    assert first.startswith("sandbox: ")
    assert "for an engine in the process; Landlock " in first


@needs_sandbox
@pytest.mark.parametrize("word", ["lp64", "ilp32"])
def test_the_engine_host_runs_inside(tmp_path: Path, word: str) -> None:
    if why_no_compiler(word):
        pytest.skip(f"{word}: {why_no_compiler(word)}")
    ran = python(LOOK, tmp_path, host_path(word), engine_path(word))
    assert said(ran).splitlines()[1:] == [*OK, "0"]


@needs_sandbox
@pytest.mark.skipif(bool(why_no_node()), reason=why_no_node())
def test_node_runs_inside(tmp_path: Path) -> None:
    assert said(python(LOOK, tmp_path, *NODE)).splitlines()[1:] == [*OK, "0"]


@needs_sandbox
def test_an_engine_that_hangs_is_killed_from_inside(tmp_path: Path) -> None:
    if landlock.version() < landlock.SIGNALS_SINCE:
        pytest.skip(f"Landlock {landlock.version()} guards no signals")
    script = """
engine = subprocess.Popen(["/bin/sleep", "1000"])
engine.kill()
print(engine.wait())
"""
    assert said(inside(tmp_path, script, programs=True)) == f"{-signal.SIGKILL}\n"


STREAM = """
from syslet_conformance.backends import backend_named
from syslet_conformance.builder import Build
from syslet_conformance.session import Session
from syslet_layouts import Flag
call_name, flags, *texts = sys.argv[2:]
build = Build()
words = [build.word(int(t) if t.isdigit() else build.text(t.encode() + bytes(1))) for t in texts]
atom = build.atom(X86_64.get(call_name, 0x70000000), *words, ret=build.word(1, label="result"),
                  flags=Flag[flags] if flags else 0)
confine(box, programs=False)
backend = backend_named("native")
engine = backend.open(abi_named(backend.abis[0]))
session = Session(engine, build.program())
returned = session.exec(atom)
if not returned:
    session.wait(1)
print(session.word("result"))
engine.close()
"""
"""A syslet of one atom that names any call, on the native engine."""

HERE_OR_ELSEWHERE = [REFUSED_EXIT, -signal.SIGSYS]
"""The engine's own threads hold the signal back, so what they do has no name."""


@needs_sandbox
@needs_native
@pytest.mark.parametrize("flags", ["", "SYNC", "ASYNC"])
@pytest.mark.parametrize("name", ["unlink", "kill", "execve", "socket"])
def test_a_syslet_that_names_a_refused_call_has_a_verdict_and_no_effect(
    tmp_path: Path, name: str, flags: str
) -> None:
    box, kept = tmp_path / "box", tmp_path / "kept"
    box.mkdir()
    kept.touch()
    words = {"unlink": [str(kept)], "kill": [str(os.getpid()), "15"], "socket": ["1", "1", "0"]}
    ran = python(STREAM, box, name, flags, *words.get(name, ["/bin/true", "0", "0"]))
    assert ran.stdout == ""
    assert ran.returncode in HERE_OR_ELSEWHERE
    assert refused(ran.returncode, ran.stderr) == (name if ran.returncode > 0 else "a call")
    if flags == "SYNC":
        assert ran.returncode == REFUSED_EXIT
    assert kept.exists()


@needs_sandbox
@needs_native
def test_a_syslet_that_names_no_call_at_all_goes_on(tmp_path: Path) -> None:
    assert said(python(STREAM, tmp_path, "nonsense", "")) == f"{-errno.ENOSYS}\n"


@needs_sandbox
def test_what_was_open_before_stays_so(tmp_path: Path) -> None:
    box, log = tmp_path / "box", tmp_path / "log"
    box.mkdir()
    script = """
log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
confine(box, programs=False)
os.write(log, b"said inside")
"""
    said(python(script, box, log))
    assert log.read_text() == "said inside"


@needs_sandbox
def test_a_file_elsewhere_is_read_and_can_be_locked(tmp_path: Path) -> None:
    box, kept = tmp_path / "box", tmp_path / "kept"
    box.mkdir()
    kept.write_text("read")
    script = """
import fcntl
kept = open(sys.argv[2])
fcntl.flock(kept, fcntl.LOCK_EX)
print(kept.read())
"""
    assert said(inside(box, script, kept)) == "read\n"


@needs_sandbox
def test_a_program_outlives_the_process_until_its_input_ends(tmp_path: Path) -> None:
    """The process, as it was killed, leaves a program that then says its last line."""
    script = """
read_end, write_end = os.pipe()
if not os.fork():
    os.close(read_end)
    confine(box, programs=True)
    say = ["/bin/sh", "-c", "echo started; read line; echo ended"]
    subprocess.Popen(say, stdin=subprocess.PIPE, stdout=write_end)
    os.close(write_end)
    os.abort()
os.close(write_end)
os.wait()
print(open(read_end).read().split())
"""
    assert said(python(script, tmp_path)) == "['started', 'ended']\n"


@pytest.mark.parametrize(
    ("status", "text", "name"),
    [
        (REFUSED_EXIT, "before\nrefused: unlink (87)\n", "unlink"),
        (REFUSED_EXIT, "refused: a call\n", "a call"),
        (-signal.SIGSYS, "", "a call"),
        (REFUSED_EXIT, "of its own accord\n", ""),
        (-signal.SIGSEGV, "refused: unlink (87)\n", ""),
        (0, "refused: unlink (87)\n", ""),
    ],
    ids=["named", "of-32-bits", "nameless", "exit-without-a-line", "crash-with-a-line", "well"],
)
def test_a_refused_call_is_told_from_another_end(status: int, text: str, name: str) -> None:
    assert refused(status, text) == name
