"""Servers of the engine protocol: the host, for both word sizes, and `syslet serve`."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

from syslet_conformance.command_files import read_program
from syslet_conformance.contract import EngineDied
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.session import Session
from syslet_native.build_host import engine_path, host_path
from syslet_native.c_compiler import why_not

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "fixtures" / "programs"
SERVE = [sys.executable, "-c", "from syslet_conformance.cli import main; main()", "serve"]


@pytest.fixture(params=["lp64", "ilp32", "serve"])
def host(request: pytest.FixtureRequest) -> list[str]:
    """Each server of the protocol that can be had here."""
    if request.param == "serve":
        return SERVE
    if why := why_not(request.param):
        pytest.skip(f"{request.param}: {why}")
    return [str(host_path(request.param)), str(engine_path(request.param))]


def say(host: list[str], text: str, *, timeout_s: float = 20) -> list[str]:
    """What the host answers to the text; then its input ends, and so must it."""
    ran = subprocess.run(
        host, input=text, capture_output=True, text=True, check=False, timeout=timeout_s
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


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
        ("7 map 1 2 3 4 5 6 7 8 9", "7 error line 2: map: 1 words wanted, not 9: LINE"),
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
    assert hello.startswith("1 ok 1 ")
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


def test_the_transcript_of_the_documentation_is_what_the_reference_answers() -> None:
    page = (HERE.parent / "docs" / "protocol.md").read_text()
    lines = [line[4:] for line in page.splitlines() if line.startswith(("    > ", "    < "))]
    assert len(lines) == 42
    with subprocess.Popen(
        SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as served:
        assert served.stdin is not None
        assert served.stdout is not None
        for is_request, block in itertools.groupby(lines, lambda line: line.startswith("> ")):
            told = [line[2:] + "\n" for line in block]
            if is_request:
                served.stdin.writelines(told)
            else:  # two that are answered at once come in any order
                assert sorted(served.stdout.readline() for _ in told) == sorted(told)
    assert served.returncode == 0
