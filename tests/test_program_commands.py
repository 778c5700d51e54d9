"""The commands asm, disasm and check, as the main group runs them, and the suspicions."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from syslet_conformance.commands import asm, check, disasm
from syslet_conformance.image import assemble
from syslet_conformance.program import ProgramError
from syslet_conformance.suspicions import RULES, suspicions
from syslet_conformance.text import parse
from syslet_layouts import ABIS, SysletError

GROUP = click.Group(commands={"asm": asm.command, "disasm": disasm.command, "check": check.command})
TEXT = "word n = 1\natom a read(&n)\n\nexec &a head=_\n"


def run(*arguments: object) -> Result:
    """Run a command; what it raises is in the result."""
    return CliRunner().invoke(GROUP, [str(argument) for argument in arguments])


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "p.syslet"
    path.write_text(TEXT)
    return path


def test_asm_writes_an_image_that_disasm_prints(program: Path) -> None:
    image = program.with_suffix(".img")
    assert run("asm", program, "--abi", "ilp32-be").exit_code == 0
    assert image.read_bytes() == assemble(parse(TEXT), ABIS["ilp32-be"])
    assert run("disasm", image).stdout == TEXT
    assert sorted(path.name for path in program.parent.iterdir()) == ["p.img", "p.syslet"]


def test_disasm_prints_bare_memory_from_an_entry(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    memory.write_bytes(bytes.fromhex("000000050000000000000014" + "00" * 12))
    printed = run(
        "disasm", "--raw", "--abi", "ilp32-be", "--base", "0x100", "--entry", "0x104", memory
    )
    assert (
        printed.stdout == 'string bytes_1 = "\\x00\\x00\\x00\\x05"\natom atom_1 getpid() packed\n'
    )


def test_what_was_there_stays_when_the_program_is_wrong(program: Path) -> None:
    image = program.with_suffix(".img")
    image.write_bytes(b"old")
    program.write_text("word n = &nope")
    result = run("asm", program)
    assert isinstance(result.exception, ProgramError)
    assert f"{program}:1:10: " in str(result.exception)
    assert image.read_bytes() == b"old"
    assert len(list(program.parent.iterdir())) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["asm", "no-such-file"],
        ["asm", "{}", "-o", "{}"],
        ["asm", "{}", "-o", "no-such-directory/x"],
        ["disasm", "{}"],
        ["disasm", "{}", "--raw"],
        ["disasm", "{}", "--base", "1"],
        ["disasm", "{}", "--raw", "--abi", "lp64-le", "--base", "-8"],
        ["disasm", "."],
        ["check", "{}", "no-such-file"],
    ],
    ids=" ".join,
)
def test_a_user_error_is_a_syslet_error(program: Path, arguments: list[str]) -> None:
    result = run(*[argument.format(program) for argument in arguments])
    assert isinstance(result.exception, SysletError)
    assert "wanted" in str(result.exception) or "says them itself" in str(result.exception)


def test_text_that_is_not_utf_8_is_refused_with_its_place(program: Path) -> None:
    program.write_bytes(b"word n\nword \xff")
    assert f"{program}:2:6: byte 0xff, wanted text in UTF-8" in str(run("check", program).exception)


def test_check_is_silent_about_a_good_program(program: Path) -> None:
    result = run("check", "--strict", program)
    assert (result.exit_code, result.output) == (0, "")


def test_check_warns_with_the_line_and_only_strict_fails(program: Path) -> None:
    program.write_text(TEXT + "\nring r 4\n")
    warned = f"{program}:6: warning: ring 'r' belongs to no head [ring-never-used]\n"
    assert (run("check", program).exit_code, run("check", program).output) == (0, warned)
    assert run("check", "--strict", program).exit_code == 1


SUSPICIOUS = {
    "unreachable-atom": "atom a getpid()\natom b getpid()\nexec &a head=_",
    "skip-without-stop-flag": "atom a getpid() flags=SKIP_TO_NEXT_ON_STOP\nexec &a head=_",
    "skip-to-no-atom": "atom a getpid() flags=SKIP_TO_NEXT_ON_STOP|STOP_ON_ZERO\nexec &a head=_",
    "async-and-sync": "atom a getpid() flags=SYNC|ASYNC\nexec &a head=_",
    "unknown-flags": "atom a getpid() flags=0x400\nexec &a head=_",
    "argument-after-null": "word n\natom a getpid(_, &n)\nexec &a head=_",
    "ring-never-used": "ring r 1",
    "head-never-used": "ring r 1\nhead h ring=r",
    "pipe-never-used": "pipe p",
    "started-not-joined": "atom a getpid()\njoin\nexec &a head=_ started",
    "no-steps": "atom a getpid()",
}


def test_every_rule_has_a_program_that_breaks_it() -> None:
    assert set(SUSPICIOUS) == set(RULES)


@pytest.mark.parametrize("rule", SUSPICIOUS)
def test_a_suspicious_program_breaks_its_rule_alone(rule: str) -> None:
    assert [s.rule for s in suspicions(parse(SUSPICIOUS[rule]))] == [rule]


@pytest.mark.parametrize(
    "text",
    [
        "atom a getpid() flags=SKIP_TO_NEXT_ON_STOP|STOP_ON_ZERO\natom b getpid()\nexec &a head=_",
        "atom a getpid() next=&b\natom b getpid()\nexec &a head=_",
        "atom a getpid()\natom b getpid()\nword w = &b\nexec &a head=_",
        "atom a getpid()\natom b getpid()\nword w\nstore &w = &b\nexec &a head=_",
    ],
    ids=["skip", "next", "word", "store"],
)
def test_an_atom_is_reached_by(text: str) -> None:
    assert suspicions(parse(text)) == []
