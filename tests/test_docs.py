"""What the documentation shows is what the commands do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from syslet_conformance import tally
from syslet_conformance.cli import group
from syslet_conformance.commands.run import command as run_command
from syslet_conformance.report import TESTS
from syslet_conformance.report_view import IN_FULL, IN_FULL_OF_ALL
from syslet_conformance.suite.random_atoms import CALLS

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_example_program_runs_and_says_its_greeting(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "programs.md").read_text()
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    program = tmp_path / "example.syslet"
    program.write_text("\n".join(lines) + "\n")
    ran = CliRunner().invoke(group, ["exec", "--no-trace", str(program)])
    assert ran.exit_code == 0, ran.output
    assert "Hello Syslet World!\n" in ran.output
    assert "  got &hello\n" in ran.output


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_option_that_a_page_names_exists(page: Path) -> None:
    known = {
        option
        for command in group.commands.values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    known |= {"--pyargs", "--syslet-backend", "--syslet-abi", "--syslet-mode", "--include"}
    known |= {"--nworkers", "--nthreads"}  # of dask worker
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text()))
    assert named <= known, sorted(named - known)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    folders = "layouts|reference|conformance|native|fixtures|reports|tests|bench|docs"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_page_on_running_names_every_option_of_run() -> None:
    page = (ROOT / "docs" / "running.md").read_text()
    options = {option for parameter in run_command.params for option in parameter.opts}
    assert sorted(o for o in options if o.startswith("--") and o not in page) == []


def test_the_page_on_the_protocol_names_every_call_that_the_suite_asks_for() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    calls = page.partition("## Calls")[2].partition("Programs may")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", calls, re.M))))
    package = ROOT / "conformance" / "syslet_conformance"
    files = [package / "builder.py", *(package / "suite").glob("*.py")]
    asked = {
        name
        for file in files
        for name in re.findall(r"(?:\.atom|number)\(\s*\"(\w+)\"", file.read_text())
    }
    assert named - {"none"} == asked | set(CALLS)


def test_the_page_on_running_gives_the_limits_of_a_report() -> None:
    page = " ".join((ROOT / "docs" / "running.md").read_text().split())
    mib = tally.LARGEST_LINE_BYTES >> 20
    for limits in (
        f"{IN_FULL} failures of an engine are in it in full, and {IN_FULL_OF_ALL} of all engines",
        f"{tally.FAILURES_KEPT} failures of an engine (the rest is counted), {tally.NOTES_KEPT} "
        f"notes, {tally.CHARACTERISTICS_KEPT} characteristics, {tally.MESSAGE_CHARS} characters of "
        f"a message, {tally.EVIDENCE_BYTES:,} bytes of evidence",
        f"More than {tally.ENGINES} engines, {TESTS:,} tests, {tally.WAYS} ABIs and modes of an "
        f"engine, a name of more than {tally.NAME_CHARS} characters or a line of more than {mib} "
        "MiB",
    ):
        assert limits in page
