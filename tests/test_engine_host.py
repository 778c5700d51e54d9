"""The engine host: the protocol's other side, in C, for both word sizes."""

from __future__ import annotations

import errno
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from syslet_conformance.backends import backend_named
from syslet_conformance.cli import group
from syslet_conformance.command_files import read_program
from syslet_conformance.contract import EngineDied
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.session import Session
from syslet_conformance.text import parse
from syslet_layouts import ABIS, SysletError, decode_words, encode_words
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


def say(host: list[str], text: str, *, timeout_s: float = 20) -> list[str]:
    """What the host answers to the text; then its input ends, and so must it."""
    ran = subprocess.run(
        host, input=text, capture_output=True, text=True, check=False, timeout=timeout_s
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "0 error line 2: a line starts with a tag, a number: LINE"),
        ("hello 1 any", "0 error line 2: a line starts with a tag, a number: LINE"),
        ("-1 bye", "0 error line 2: a line starts with a tag, a number: LINE"),
        ("18446744073709551616 bye", "0 error line 2: a line starts with a tag, a number: LINE"),
        ("7", "7 error line 2: a request follows the tag: LINE"),
        ("7 dance", "7 error line 2: no such request: LINE"),
        ("7 d\x01\xff", "7 error line 2: no such request: LINE"),
        ("7 map", "7 error line 2: map: 1 words wanted, not 0: LINE"),
        ("7 map 1 2", "7 error line 2: map: 1 words wanted, not 2: LINE"),
        ("7 map 1 2 3 4 5 6 7 8 9", "7 error line 2: more than 8 words: LINE"),
        ("7 map 0x", "7 error line 2: map: 0x is no number of a word: LINE"),
        ("7 map 12a", "7 error line 2: map: 12a is no number of a word: LINE"),
        (
            "7 map 0x10000000000000000",
            "7 error line 2: map: 0x10000000000000000 is no number of a word: LINE",
        ),
        (
            "7 poke 0x10 0",
            "7 error line 2: poke: wanted pairs of hex digits, 28672 at most, or -: LINE",
        ),
        (
            "7 poke 0x10 0g",
            "7 error line 2: poke: wanted pairs of hex digits, 28672 at most, or -: LINE",
        ),
        ("7 peek 0 28673", "7 error peek of 28673 bytes: 28672 at most"),
        ("7 peek 0 1", "7 error peek of 1 bytes at 0: not mapped"),
        ("7 peek 0 0", "7 ok -"),
        ("7 hello 2 any", "7 error protocol version 2: 1 is spoken"),
        ("7 number vanish", "7 ok none"),
        ("7 " + "x" * 65534, "7 error line 2: a line has 65536 bytes at most: LINE"),
        ("7 " + "x" * 200000, "7 error line 2: a line has 65536 bytes at most: LINE"),
    ],
    ids=lambda text: text[:24].encode("unicode_escape").decode() if "error" not in text else "",
)
def test_a_request_that_is_wrong_is_answered_and_the_next_one_too(
    host: list[str], line: str, said: str
) -> None:
    hello, *answers = say(host, f"1 hello 1 any\n{line}\n8 number vanish\n9 bye\n")
    assert hello.startswith("1 ok 1 native ")
    shown = "".join(c if " " <= c <= "~" else "?" for c in line.encode().decode("latin-1")[:200])
    assert answers == [said.replace("LINE", shown), "8 ok none", "9 ok"]


def test_every_call_is_answered_before_goodbye(host: list[str]) -> None:
    calls = [f"{tag} exec 0 0" for tag in range(1, 50)]
    _, *answers = say(host, "\n".join(["0 hello 1 any", *calls, "50 bye"]) + "\n")
    assert answers.pop() == "50 ok"
    assert {answer.split()[1] for answer in answers} == {"ok"}
    assert sorted(int(answer.split()[0]) for answer in answers) == [*range(1, 50)]


def test_the_longest_line_is_served(host: list[str]) -> None:
    line = "7 number vanish"
    _, *answers = say(host, "1 hello 1 any\n" + line + " " * (65535 - len(line)) + "\n9 bye\n")
    assert answers == ["7 ok none", "9 ok"]


def test_the_host_ends_with_its_input_whatever_is_blocked(host: list[str]) -> None:
    started = time.monotonic()
    engine = ProtocolEngine(host)
    session = Session(engine, read_program(PROGRAMS / "sync_read.syslet").program)
    call = session.start_exec("patient", "h")
    assert engine.process.stdin is not None
    engine.process.stdin.close()
    assert engine.process.wait(10) == 0
    with pytest.raises(EngineDied, match="exit status 0"):
        call.join()
    engine.close()
    assert time.monotonic() - started < 10


class Rebased:
    """Lines of the documentation, with its memory's address replaced by another."""

    def __init__(self, documented: int, actual: int) -> None:
        self.documented, self.by = range(documented, documented + 4096), actual - documented

    def line(self, line: str) -> str:
        return " ".join(map(self._word, line.split(" ")))

    def _word(self, word: str) -> str:
        if re.fullmatch("0x[0-9a-f]+", word):
            return hex(self._address(int(word, 16)))
        if len(word) % 8 or not set(word) <= set("0123456789abcdef"):
            return word
        words = decode_words(ABIS["ilp32-le"], bytes.fromhex(word))
        return encode_words(ABIS["ilp32-le"], [*map(self._address, words)]).hex()

    def _address(self, number: int) -> int:
        return number + self.by if number in self.documented else number


@pytest.mark.skipif(bool(WHY_NOT["ilp32"]), reason=WHY_NOT["ilp32"])
def test_the_transcript_of_the_documentation_is_what_the_host_answers() -> None:
    page = (HERE.parent / "docs" / "protocol.md").read_text()
    lines = [line[4:] for line in page.splitlines() if line.startswith("    ")]
    requests = [line[2:] for line in lines if line.startswith("> ")]
    documented = sorted(line[2:] for line in lines if line.startswith("< "))
    assert len(requests) == len(documented) == 15
    mapped = next(line for line in documented if line.startswith("2 ok "))
    with subprocess.Popen(
        command("ilp32"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        answers, rebased = list[str](), Rebased(0, 0)
        for request in requests:
            host.stdin.write(rebased.line(request) + "\n")
            host.stdin.flush()
            if " wait " not in request:
                answers.append(host.stdout.readline().rstrip("\n"))
            if " feed " in request:
                answers.append(host.stdout.readline().rstrip("\n"))
            if " map " in request:
                addresses = (int(line.split()[2], 16) for line in (mapped, answers[-1]))
                rebased = Rebased(*addresses)
    expected = sorted(map(rebased.line, documented))
    assert _without_build(sorted(answers)) == _without_build(expected)


def _without_build(lines: list[str]) -> list[str]:
    return [re.sub(r" build=.*", "", line) for line in lines]


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
