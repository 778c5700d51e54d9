"""The page on the targets has the format that streams have."""

from __future__ import annotations

import re
from pathlib import Path

from syslet_conformance.fuzz import arena, stream
from syslet_layouts import ARGUMENTS
from syslet_native.build_fuzz import FUZZ

PAGE = (Path(__file__).parent.parent / "docs" / "fuzzing-targets.md").read_text()
PLACES, NUMBERS = len(arena.PLACES), len(arena.NUMBERS)


def _rows() -> list[list[str]]:
    lines = re.findall(r"^\| (.*) \|$", PAGE, re.M)
    return [[cell.strip() for cell in f" {line} ".split("|")] for line in lines]


def _counts(text: str) -> list[int]:
    """The numbers in brackets."""
    return [int(count) for count in re.findall(r"\((\d+)\)", text)]


def test_the_page_has_each_kind_of_step_and_how_many_values_its_numbers_have() -> None:
    rows = {row[1]: row for row in _rows() if row[0].isdigit()}
    assert list(rows) == list(stream.KINDS)
    for kind, name in enumerate(stream.KINDS):
        assert rows[name][0] == str(kind)
        counts = _counts(rows[name][2])
        assert (*counts, *(1,) * (3 - len(counts))) == stream.LIMITS[kind]
    *first, last = (str(events) for events in stream.WAITS)
    assert f"{', '.join(first)} or {last}" in rows["wait"][2]


def test_the_page_has_the_sizes_of_the_parts() -> None:
    sizes = re.findall(r"^\| (\w+) \((\d+) bytes\) \|", PAGE, re.M)
    wanted = (stream.HEADER_BYTES, stream.ATOM_BYTES, stream.STEP_BYTES)
    assert [int(size) for _, size in sizes] == list(wanted)
    assert f"-max_len={stream.MOST_STREAM_BYTES} " in PAGE


def test_the_page_has_how_many_values_each_byte_has() -> None:
    cells = [row for row in _rows() if len(row) == 3 and re.match(r"\d", row[1])]
    assert [(row[1], _counts(row[2])) for row in cells] == [
        ("0, 1", [arena.SLOTS]),
        ("2, 3", [arena.ATOMS + 1, stream.MOST_STEPS + 1]),
        ("4 to 9", [NUMBERS]),
        ("10 to 13", [PLACES]),
        ("0", [len(arena.CODE)]),
        ("1", []),
        ("2", [len(arena.CALLS)]),
        ("3, 4", [PLACES]),
        ("5", [ARGUMENTS + 1]),
        ("6", [NUMBERS]),
        ("7", []),
        ("8 to 13", [PLACES]),
        ("0", [len(stream.KINDS)]),
    ]


def test_the_page_has_the_limit_on_atoms() -> None:
    limits = re.findall(r"#define CONFINE_ATOMS (\d+)", (FUZZ / "confine.h").read_text())
    assert [f"After {limit} atoms" in PAGE for limit in limits] == [True]
