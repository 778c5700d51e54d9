"""The programs under fixtures/: each is valid, unsuspicious, and the same on every ABI."""

from __future__ import annotations

from pathlib import Path

import pytest

from syslet_conformance.image import assemble, disassemble, lay_out
from syslet_conformance.program import Atom
from syslet_conformance.suspicions import suspicions
from syslet_conformance.text import format_program, parse
from syslet_layouts import ABIS, Abi

PROGRAMS = sorted((Path(__file__).parent.parent / "fixtures" / "programs").glob("*.syslet"))
BY_NAME = {path.stem: path.read_text() for path in PROGRAMS}

each_program = pytest.mark.parametrize("text", BY_NAME.values(), ids=BY_NAME)


def test_there_are_programs() -> None:
    assert len(BY_NAME) >= 16


@each_program
def test_the_head_says_what_it_shows_and_what_must_happen(text: str) -> None:
    head = text.partition("\n\n")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "# Shows: " in head
    assert "# Must happen: " in head


@each_program
def test_it_comes_back_from_its_canonical_form(text: str) -> None:
    program = parse(text)
    assert parse(format_program(program)) == program


@each_program
def test_nothing_about_it_is_suspicious(text: str) -> None:
    assert suspicions(parse(text)) == []


@each_program
@pytest.mark.parametrize("abi", ABIS.values(), ids=ABIS)
def test_it_comes_back_from_its_image(text: str, abi: Abi) -> None:
    program = parse(text)
    image = assemble(program, abi)
    assert format_program(disassemble(image)) == format_program(program)


def test_hello_world_is_the_sample_of_the_design_document() -> None:
    program = parse(BY_NAME["hello_world"])
    (atom,) = (d for d in program.declarations if isinstance(d, Atom))
    assert format_program(parse(BY_NAME["hello_world"])) == (
        "word fd_out = 1\n"
        "word buf = &text\n"
        "word size = 20\n"
        "ring completions 4\n"
        "head h ring=completions\n"
        "atom hello write(&fd_out, &buf, &size) flags=ASYNC\n"
        'string text = "Hello Syslet World!\\n"\n'
        "\n"
        "exec &hello head=&h\n"
        "wait 1 head=&h\n"
        "consume h 1\n"
    )
    assert atom.nr == "write"


def test_a_skip_of_branch_by_skip_lands_on_the_atom_after_it() -> None:
    for abi in ABIS.values():
        labels = lay_out(parse(BY_NAME["branch_by_skip"]), abi).labels
        assert labels["was_zero"][1] - labels["test_zero"][1] == abi.atom_size
        assert labels["not_five"][1] - labels["test_five"][1] == abi.atom_size
