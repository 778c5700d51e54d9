"""The page for engine authors is followed, command by command, and prints what it says."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml

from syslet_conformance.cli import group
from syslet_native.c_compiler import why_not

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "engine-authors.md"
WORKFLOW = ROOT / "docs" / "ci" / "engine.yml"
MAIN = "from syslet_conformance.cli import main; main()"

NOT_FOLLOWED = ("python3 -m pip",)
"""What starts so was done before the tests."""


@dataclass(frozen=True, slots=True)
class Example:
    """A command of the page, with the heading it stands under, and what it prints."""

    step: str
    command: str
    expected: str


def examples() -> list[Example]:
    """Those of the page, in order."""
    found: list[Example] = []
    for section in PAGE.read_text().split("\n## ")[1:]:
        step = section.partition("\n")[0]
        for block in re.findall(r"(?:^    .*\n|^\n(?=    [^$ ]))+", section, re.MULTILINE):
            text = re.sub("^    ", "", block, flags=re.MULTILINE)
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, expected = part.partition("\n")
                found.append(Example(step, command, expected.strip("\n")))
    return found


def missing() -> str:
    """What the page needs that is not here, or the empty string."""
    for tool, package in {"make": "make", "gdb": "gdb"}.items():
        if shutil.which(tool) is None:
            return f"{tool} not found: install Debian's {package}"
    if os.uname().machine != "x86_64":
        return "the page shows an x86-64 machine"
    return why_not("lp64")


def test_the_page_has_ten_steps_with_commands() -> None:
    steps = re.findall(r"^## (\d+)\. ", PAGE.read_text(), re.MULTILINE)
    assert steps == [str(number) for number in range(1, 11)]
    with_commands = {example.step.partition(".")[0] for example in examples()}
    assert with_commands == set(steps) - {"4"}


@pytest.mark.timeout(400)
@pytest.mark.skipif(bool(missing()), reason=missing())
def test_every_command_of_the_page_prints_what_it_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fixtures" / "engines", tmp_path / "fixtures" / "engines")
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "syslet").write_text(f'#!/bin/sh\nexec {sys.executable} -P -c "{MAIN}" "$@"\n')
    (commands / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for file in commands.iterdir():
        file.chmod(0o755)
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    checker = doctest.OutputChecker()
    for example in examples():
        if example.command.startswith(NOT_FOLLOWED):
            continue
        ran = subprocess.run(
            ["/bin/sh", "-c", example.command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=200,
        )
        got = ran.stdout.strip("\n")
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        where = f"{example.step}: $ {example.command}"
        assert checker.check_output(f"{example.expected}\n", f"{got}\n", flags), f"{where}\n{got}"
        if not example.expected:
            assert ran.returncode == 0, where


def test_the_sample_workflow_judges_the_engine_that_it_builds() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    (job,) = workflow["jobs"].values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs[0] == "python3 -m pip install syslet-conformance"
    calls = [shlex.split(run) for run in runs if run.startswith("syslet ")]
    assert [words[1] for words in calls] == ["backends", "run"]
    for words in calls:
        command = group.commands[words[1]]
        parsed = command.make_context(words[1], words[2:], resilient_parsing=False)
        assert isinstance(parsed, click.Context)
        assert "lib:./libsyslet-threads.so" in words
    (kept,) = [step["with"]["path"] for step in job["steps"] if "upload" in step.get("uses", "")]
    assert kept == "results.jsonl"
    assert ["--results", kept] == calls[1][calls[1].index("--results") :][:2]
