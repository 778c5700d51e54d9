"""`syslet exec` on the programs of `fixtures/programs`, against what their heads say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syslet_layouts import ABIS

PROGRAMS = Path(__file__).parent.parent / "fixtures" / "programs"


def execute(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from syslet_conformance.cli import main; main()", "exec", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
        timeout=60,
    )


def lines(program: str, *words: str) -> list[str]:
    ran = execute(str(PROGRAMS / f"{program}.syslet"), *words)
    assert ran.returncode == 0, ran.stderr
    return [line.strip() for line in ran.stdout.splitlines()]


@pytest.mark.parametrize("abi", ABIS)
def test_hello_world_writes_its_greeting_and_its_trace(abi: str) -> None:
    said = lines("hello_world", "--abi", abi)
    assert "Hello Syslet World!" in said
    steps = [line.split()[1] for line in said if line.startswith("&hello ")]
    assert steps[:5] == ["fetch", "argument", "argument", "argument", "call"]
    assert "post" in steps
    assert "got &hello" in said


EXPECTED = {
    "overflow": ["returned -14", "got &a", "got &c"],
    "parallel_readers": ["got &read_3, &read_1, &read_2"],
    "branch_by_skip": ["returned &test_zero", "ring completions: NULL"],
    "self_modifying": [
        "returned &first",
        "ring completions: NULL",
        "changed count: 0 -> 1",
        "changed second.flags: 0 -> 8",
    ],
    "ring_wrap": ["returned NULL", "changed h.kernel_ring_idx: 0 -> 1"],
}
"""Lines that must be in the output, as the programs' heads derive them."""


@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize("program", EXPECTED)
def test_a_program_does_what_its_head_says(program: str, abi: str) -> None:
    said = lines(program, "--abi", abi, "--no-trace")
    missing = [line for line in EXPECTED[program] if line not in said]
    assert not missing
    assert not any("wrong" in line for line in said)


@pytest.mark.parametrize("program", sorted(path.stem for path in PROGRAMS.glob("*.syslet")))
def test_every_program_runs_to_its_end(program: str) -> None:
    assert lines(program, "--no-trace", "--seed", "3")


CHANGES = r"""
section data
ring r 1
head h ring=r
word x = 5
word inc = 1
word target = 0
section gone
word unused = 9
section code
atom add umem_add(&target, &inc) flags=STOP_ON_NEGATIVE
atom beyond umem_add(&target, &unused)

store &target = &x
poke &inc "\x07"
exec &add head=&h
unmap gone
exec &beyond head=&h
"""


def test_what_steps_change_in_memory_is_seen_by_what_runs_after_them(tmp_path: Path) -> None:
    program = tmp_path / "p.syslet"
    program.write_text(CHANGES)
    ran = execute(str(program), "--abi", "ilp32-le", "--no-trace")
    assert (ran.stderr, ran.returncode) == ("", 0)
    assert ran.stdout.splitlines() == [
        "store &target = &x",
        'poke &inc "\\x07"',
        "exec &add head=&h",
        "  returned &add",
        "unmap gone",
        "exec &beyond head=&h",
        "  returned -14",  # -EFAULT: its second argument lies in what was unmapped
        "ring r: NULL",
        "changed x: 5 -> 12",
        "changed inc: 1 -> 7",
        "changed target: 0 -> &x",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonesuch.syslet"], "nonesuch.syslet: No such file"),
        ([str(PROGRAMS / "loop.syslet"), "--backend", "none"], "no backend 'none'"),
        ([str(PROGRAMS / "loop.syslet"), "--abi", "vax"], "--abi vax: backend reference speaks"),
        ([], "Missing argument 'PROGRAM'"),
    ],
    ids=["file", "backend", "abi", "argument"],
)
def test_a_bad_command_line_is_one_line_and_exit_2(words: list[str], said: str) -> None:
    ran = execute(*words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not ran.stdout
