"""The example engine in JavaScript: the suite on it, and its protocol."""

from __future__ import annotations

import errno
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from node_engine import COMMAND, FOLDER, OUTSTANDING, needs_node, one_abi, opened

from syslet_conformance.cli import group
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.results import read_results
from syslet_conformance.session import Session
from syslet_conformance.text import parse
from syslet_conformance.verdicts import Verdict
from syslet_layouts import ABIS, SysletError

HERE = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.mjs"))
PROGRAMS = sorted((HERE.parent / "fixtures" / "programs").glob("*.syslet"))
GREETING = "Hello Syslet World!"

BACKEND = f"exec:{shlex.join(COMMAND)}"

FULLY = ("ilp32-be", "fixed64-le")
"""The ABIs that the whole suite runs on here: both byte orders, words of 4 and of 8 bytes, and
flags as wide as a word and not. All five take about 100 s: the page beside the engine says how."""


pytestmark = needs_node


@pytest.fixture(params=ABIS)
def engine(request: pytest.FixtureRequest) -> Iterator[ProtocolEngine]:
    """The engine on each ABI."""
    yield from opened(request.param)


def syslet(*words: str, limit_s: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from syslet_conformance.cli import main; main()", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
        check=False,
        timeout=limit_s,
    )


def say(text: str) -> list[str]:
    """What the engine answers to the text; then its input ends, and so must it."""
    ran = subprocess.run(
        COMMAND, input=text.encode("latin-1"), capture_output=True, check=False, timeout=20
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    return ran.stdout.decode("ascii").splitlines()


# -- the suite ---------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_valid_and_says_first_what_it_is_for(file: Path) -> None:
    ran = subprocess.run(["node", "--check", file], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert file.read_text().startswith("// ")


def test_its_page_names_every_file() -> None:
    named = re.findall(r"^\| (`[^|]*) \|", (FOLDER / "README.md").read_text(), re.M)
    assert sorted(re.findall(r"`([\w.]+)`", " ".join(named))) == [file.name for file in FILES]


def test_its_page_shows_what_it_answers() -> None:
    lines = [line[4:] for line in (FOLDER / "README.md").read_text().splitlines()]
    requests = [line[2:] for line in lines if line.startswith("> ")]
    shown = [line[2:] for line in lines if line.startswith("< ")]
    answers = say("\n".join(requests) + "\n")
    assert len(answers) == 5
    assert _without_version(answers) == _without_version(shown)


def _without_version(lines: list[str]) -> list[str]:
    return [re.sub(r"node-v[\d.]+", "node", line) for line in lines]


@pytest.mark.timeout(400)
def test_it_passes_every_test_of_the_suite_and_skips_none(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    abis = [word for name in FULLY for word in ("--abi", name)]
    words = ["run", BACKEND, *abis, "--jobs", "2", "--results", str(results)]
    ran = syslet(*words, limit_s=390)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    read = read_results(results)
    assert [result.test for result in read if result.verdict is not Verdict.PASS] == []
    assert {result.abi for result in read if result.abi} == set(FULLY)
    assert "80 requirements judged on 2 ABIs" in ran.stdout


def test_it_passes_the_tests_of_the_layouts_on_every_abi_of_its_hello(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    ran = syslet("run", BACKEND, "-k", "test_layout", "--jobs", "2", "--results", str(results))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    read = read_results(results)
    assert {result.verdict for result in read} == {Verdict.PASS}
    assert {result.abi for result in read} == set(ABIS)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_comes_to_the_same_as_on_the_reference(program: Path) -> None:
    """Line by line, but for what comes when it comes: the greeting, and who is first."""
    said = {}
    for backend in (BACKEND, "reference"):
        words = ["exec", str(program), "--backend", backend, "--no-trace"]
        ran = CliRunner().invoke(group, words)
        assert ran.exit_code == 0, ran.output
        lines = (line for line in ran.output.splitlines() if line != GREETING)
        said[backend] = [sorted(line.replace(",", "").split()) for line in lines]
    assert said[BACKEND] == said["reference"]


# -- the protocol ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "0 error line 2: a line starts with a tag, a number: LINE"),
        ("hello 1 any", "0 error line 2: a line starts with a tag, a number: LINE"),
        ("-1 bye", "0 error line 2: a line starts with a tag, a number: LINE"),
        (f"{1 << 64} bye", "0 error line 2: a line starts with a tag, a number: LINE"),
        ("x" * 300, "0 error line 2: a line starts with a tag, a number: LINE"),
        ("7", "7 error line 2: a request follows the tag: LINE"),
        ("7 dance", "7 error line 2: no such request: LINE"),
        ("7 constructor", "7 error line 2: no such request: LINE"),
        ("7 d\x01\xff", "7 error line 2: no such request: LINE"),
        ("7 map", "7 error line 2: map: 1 words wanted, not 0: LINE"),
        ("7 map 1 2", "7 error line 2: map: 1 words wanted, not 2: LINE"),
        ("7 map 0", "7 error map: 1 byte at least"),
        ("7 map 0x", "7 error line 2: map: no number of 64 bits: 0x: LINE"),
        ("7 map 12a", "7 error line 2: map: no number of 64 bits: 12a: LINE"),
        (f"7 map {1 << 64}", f"7 error line 2: map: no number of 64 bits: {1 << 64}: LINE"),
        (f"7 map {1 << 60}", f"7 error map: {1 << 28} bytes at most"),
        ("7 unmap 0x10000", "7 error unmap: it is not mapped"),
        (
            "7 poke 0x10 0",
            "7 error line 2: poke: pairs of hex digits wanted, 28672 at most, or -: LINE",
        ),
        (
            "7 poke 0x10 0g",
            "7 error line 2: poke: pairs of hex digits wanted, 28672 at most, or -: LINE",
        ),
        ("7 poke 0x10 00", "7 error poke: 1 bytes at 0x10: not mapped"),
        ("7 peek 0 28673", "7 error peek: 28673 bytes: 28672 at most"),
        ("7 peek 0xffffffffffffffff 1", "7 error peek: 1 bytes at 0xffffffffffffffff: not mapped"),
        ("7 peek 0 0", "7 ok -"),
        ("7 feed 9 00", "7 error feed: descriptor 9 is not open"),
        ("7 drain 9 1", "7 error drain: descriptor 9 is not open"),
        ("7 close 9", "7 error close: descriptor 9 is not open"),
        ("7 hello 1 any", "7 error hello: hello comes first, and once"),
        ("7 number vanish", "7 ok none"),
        ("7 number toString", "7 ok none"),
        ("7 " + "x" * 65534, "7 error line 2: a line has 65536 bytes at most: LINE"),
        ("7 " + "x" * 200000, "7 error line 2: a line has 65536 bytes at most: LINE"),
    ],
    ids=lambda text: text[:24].encode("unicode_escape").decode() if "error" not in text else "",
)
def test_a_request_that_is_wrong_is_answered_and_the_next_one_too(line: str, said: str) -> None:
    hello, *answers = say(f"1 hello 1 any\n{line}\n8 number vanish\n9 bye\n10 pipe\n")
    assert hello.startswith("1 ok 1 node-example 1.0 lp64-le abis=")
    shown = "".join(c if " " <= c <= "~" else "?" for c in line[:200])
    assert answers == [said.replace("LINE", shown), "8 ok none", "9 ok"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("7 map 1", "7 error map: hello comes first, and once"),
        ("7 hello 2 any", "7 error hello: version 2: 1 is spoken"),
        ("7 hello 1 vax", "7 error hello: ABI vax is not spoken"),
    ],
    ids=["no-hello", "version", "abi"],
)
def test_nothing_is_asked_of_it_before_a_right_hello(line: str, said: str) -> None:
    assert say(f"{line}\n9 bye\n") == [said, "9 ok"]


def test_the_longest_line_is_served_however_it_arrives() -> None:
    line = "7 number vanish"
    spaces = " " * (65535 - len(line))
    assert say(f"1 hello 1 any\n{line}{spaces}\n9 bye\n")[1:] == ["7 ok none", "9 ok"]
    pieces = {
        b"1 hello 1 any\n7 number van": b"1 ok 1 ",
        b"ish\n9 b": b"7 ok none",
        b"ye\n": b"9 ok",
    }
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdin is not None
        assert engine.stdout is not None
        for piece, answer in pieces.items():  # the answer says that the whole piece was read
            engine.stdin.write(piece)
            engine.stdin.flush()
            assert engine.stdout.readline().startswith(answer)
        assert engine.stdout.read() == b""


@one_abi
def test_memory_has_its_exact_size_and_gives_out(engine: ProtocolEngine) -> None:
    at = engine.map(5)
    engine.write(at, b"12345")
    assert engine.read(at, 5) == b"12345"
    for address in (at - 1, at + 5):
        with pytest.raises(SysletError, match=r"peek: 1 bytes at 0x\w+: not mapped"):
            engine.read(address, 1)
    with pytest.raises(SysletError, match=r"poke: 2 bytes at 0x\w+: not mapped"):
        engine.write(at + 4, b"67")
    engine.unmap(at)
    with pytest.raises(SysletError, match="not mapped"):
        engine.read(at, 1)
    most = [engine.map(1 << 28) for _ in range(4)]
    with pytest.raises(SysletError, match="map: all memory is in use"):
        engine.map(1)
    for address in most:
        engine.unmap(address)
    assert engine.map(1) > most[-1]


@one_abi
def test_feed_takes_all_or_nothing_and_drain_what_is_there(engine: ProtocolEngine) -> None:
    read_end, write_end = engine.pipe()
    assert engine.drain(read_end, 10) == b""
    engine.feed(write_end, b"x" * 65530)
    with pytest.raises(SysletError, match="feed: 7 bytes: there is room for 6"):
        engine.feed(write_end, b"seventh")
    assert engine.drain(read_end, 70000) == b"x" * 65530
    engine.close_fd(read_end)
    with pytest.raises(SysletError, match="broken pipe"):
        engine.feed(write_end, b"x")


@one_abi
def test_what_an_atom_writes_to_descriptor_1_does_not_come_among_the_answers(
    engine: ProtocolEngine,
) -> None:
    program = next(path for path in PROGRAMS if path.stem == "hello_world").read_text()
    session = Session(engine, parse(program))
    done = [session.perform(step) for step in session.program.steps]
    assert done == [0, 0, [session.address("hello")]]
    engine.close()
    assert engine.said.decode() == f"{GREETING}\n"


# -- while calls are outstanding ---------------------------------------------------------

TURNING = """
word target = &turning
word nothing = 0
word turning = 1
ring completions 1
head h ring=completions
atom turn umem_add(&target, &nothing) flags=STOP_ON_ZERO next=&turn
"""
"""A loop that turns until somebody else sets the word to 0."""


def test_requests_are_answered_while_exec_and_wait_are_outstanding(engine: ProtocolEngine) -> None:
    session = Session(engine, parse(OUTSTANDING))
    assert session.exec("pending", "h") == 0
    exec_call, wait_call = session.start_exec("patient", "h"), session.start_wait(1, "h")
    for _ in range(20):
        assert engine.read(session.address("room"), 1) == b"\0"
        engine.unmap(engine.map(100))
    assert not exec_call.returned
    assert not wait_call.returned
    session.feed("p", b"x")
    assert exec_call.join() == session.address("patient")
    assert not wait_call.returned
    session.feed("q", b"y")
    assert wait_call.join() == 0
    assert session.slots("h") == [session.address("pending"), 0]


def test_a_loop_without_end_in_the_caller_keeps_nobody_from_being_answered(
    engine: ProtocolEngine,
) -> None:
    session = Session(engine, parse(TURNING))
    call = session.start_exec("turn", "h")
    for _ in range(20):
        assert session.word("turning") == 1
    assert not call.returned
    session.set_word("turning", 0)
    assert call.join() == session.address("turn")


@one_abi
def test_goodbye_answers_what_is_outstanding(engine: ProtocolEngine) -> None:
    session = Session(engine, parse(OUTSTANDING))
    assert session.exec("pending", "h") == 0
    calls = [session.start_exec("patient", "h"), session.start_wait(1, "h")]
    for _ in range(20):
        engine.read(session.address("room"), 1)
    engine.close()
    assert [engine.abi.signed(call.join()) for call in calls] == [-errno.EINTR] * 2


def test_it_ends_with_its_input_whatever_turns_or_blocks() -> None:
    engine = ProtocolEngine(COMMAND, ABIS["lp64-le"])
    session = Session(engine, parse(TURNING))
    session.start_exec("turn", "h")
    assert session.word("turning") == 1
    assert engine.process.stdin is not None
    engine.process.stdin.close()
    assert engine.process.wait(10) == 0
    engine.close()
