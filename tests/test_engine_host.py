"""The engine host: the protocol's other side, in C, for both word sizes."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from syslet_conformance.backends import backend_named
from syslet_conformance.cli import group
from syslet_conformance.command_files import read_program
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.session import Session
from syslet_conformance.text import parse
from syslet_layouts import SysletError
from syslet_native.build_host import engine_path, host_path
from syslet_native.c_compiler import NO_32_BIT, why_not

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "fixtures" / "programs"

BLOCKED = """
pipe p
pipe q
word room_at = &room
word one = 1
ring completions 1
head h ring=completions
atom first write(&q.write, &room_at, &one) next=&patient
atom patient read(&p.read, &room_at, &one) flags=SYNC
buffer room 8
"""
"""A syslet that says when it is on its way, and blocks its caller."""

WHY_NOT = {word: why_not(word) for word in ("lp64", "ilp32")}
"""Why the host of a word size cannot be had here, or the empty string."""


def command(word: str) -> list[str]:
    """The host with the native engine, of a word size."""
    return [str(host_path(word)), str(engine_path(word))]


@pytest.fixture(params=WHY_NOT)
def host(request: pytest.FixtureRequest) -> list[str]:
    """The engine host for each word size that can be built here."""
    if WHY_NOT[request.param]:
        pytest.skip(f"{request.param}: {WHY_NOT[request.param]}")
    return command(request.param)


@pytest.fixture
def engine(host: list[str]) -> Iterator[ProtocolEngine]:
    engine = ProtocolEngine(host)
    yield engine
    engine.close()
    assert engine.process.returncode == 0, engine.said


def test_the_host_has_memory_that_ends_in_an_unmapped_page(engine: ProtocolEngine) -> None:
    data = bytes(range(251)) * 400
    at = engine.map(len(data))
    assert engine.read(at, len(data)) == bytes(len(data))
    engine.write(at, data)
    assert engine.read(at, len(data)) == data
    for count in (1, 8):
        with pytest.raises(SysletError, match=f"peek of {count} bytes at .*: not mapped"):
            engine.read(at + len(data), count)
        with pytest.raises(SysletError, match=f"poke of {count} bytes at .*: not mapped"):
            engine.write(at + len(data), bytes(count))
    engine.unmap(at)
    with pytest.raises(SysletError, match=r"unmap of .*: it is not mapped"):
        engine.unmap(at)
    with pytest.raises(SysletError, match="not mapped"):
        engine.read(at, 1)
    with pytest.raises(SysletError, match="map: Cannot allocate memory"):
        engine.map(engine.abi.word_mask)


def test_the_host_has_pipes_that_do_not_block_it(engine: ProtocolEngine) -> None:
    read_end, write_end = engine.pipe()
    assert engine.drain(read_end, 10) == b""
    engine.feed(write_end, b"some bytes")
    assert engine.drain(read_end, 4) == b"some"
    assert engine.drain(read_end, 100) == b" bytes"
    with pytest.raises(SysletError, match=r"feed of 28672 bytes to .*: took 8192"):
        engine.feed(write_end, bytes(100_000))
    assert len(engine.drain(read_end, 100_000)) == 65536
    engine.close_fd(read_end)
    with pytest.raises(SysletError, match="feed: Broken pipe"):
        engine.feed(write_end, b"x")
    engine.close_fd(write_end)
    for use in (engine.close_fd, lambda fd: engine.feed(fd, b"x"), lambda fd: engine.drain(fd, 1)):
        with pytest.raises(SysletError, match="Bad file descriptor"):
            use(write_end)


def test_a_write_to_descriptor_1_does_not_come_among_the_answers(engine: ProtocolEngine) -> None:
    session = Session(engine, read_program(PROGRAMS / "hello_world.syslet").program)
    done = [session.perform(step) for step in session.program.steps]
    assert done == [0, 0, [session.address("hello")]]
    engine.close()
    assert engine.said == b"Hello Syslet World!\n"


def test_exec_blocks_while_its_pipe_is_fed(engine: ProtocolEngine) -> None:
    session = Session(engine, read_program(PROGRAMS / "sync_read.syslet").program)
    for step in session.program.steps:
        session.perform(step)
    assert session.word("got") == 2


def test_what_is_blocked_returns_when_the_host_is_told_goodbye(engine: ProtocolEngine) -> None:
    session = Session(engine, parse(BLOCKED))
    call = session.start_exec("first", "h")
    deadline = time.monotonic() + 10
    while not session.drain("q", 1):
        assert time.monotonic() < deadline
    engine.close()
    assert engine.abi.signed(call.join()) == -errno.EINTR


def test_an_errno_is_a_whole_word(engine: ProtocolEngine) -> None:
    assert engine.exec(0, 0) == engine.abi.word_mask - errno.EFAULT + 1


def test_a_machine_without_32_bit_programs_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'cannot find -lgcc' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    host_path.cache_clear()
    with pytest.raises(SysletError) as error:
        backend_named("native32")
    assert str(error.value) == f"backend native32: the engine host was not built: {NO_32_BIT}"
    monkeypatch.setenv("CC", "nonesuch-cc")
    with pytest.raises(SysletError, match="no C compiler: CC=nonesuch-cc is not on PATH"):
        backend_named("native32")
    monkeypatch.delenv("CC")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(SysletError, match=r"not built: .*/file/syslet-native: Not a directory"):
        backend_named("native32")
    assert list((tmp_path / "cache").rglob("host*")) == []


def test_the_list_of_backends_says_why_one_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = CliRunner().invoke(group, ["backends"]).output
    rows = {line.split()[0]: line for line in said.splitlines()}
    assert {"reference", "native", "native32", "exec:COMMAND", "python:MODULE:ATTR"} <= set(rows)
    assert (WHY_NOT["ilp32"] or "ilp32-le") in rows["native32"]
    monkeypatch.setenv("CC", "nonesuch-cc")
    said = CliRunner().invoke(group, ["backends"]).output
    assert "not available: no C compiler: CC=nonesuch-cc is not on PATH" in said
