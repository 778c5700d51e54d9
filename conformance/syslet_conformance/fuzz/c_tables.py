"""Writes what the C target knows of streams, out of the tables that `syslet fuzz` goes by.

``python -m syslet_conformance.fuzz.c_tables`` writes ``stream_tables.h``; with ``--check`` it
fails where the file is not what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import syslet_native
from syslet_conformance.contract import ERRORS
from syslet_conformance.fuzz import arena, stream
from syslet_conformance.fuzz.arena import Arena
from syslet_conformance.fuzz.play import MOST_REPORTS, PIPE_CLOSES
from syslet_layouts import ABIS, ARGUMENTS, Abi
from syslet_native.generated import write_or_check

HEADER = Path(syslet_native.__file__).parent / "fuzz" / "stream_tables.h"
BY_LONG = {4: "ilp32-le", 8: "lp64-le"}
"""Bytes of a long to the ABI whose numbers hold; the byte order changes none of them."""

COUNTS = {
    "ATOMS": arena.ATOMS,
    "ARGUMENTS": ARGUMENTS,
    "NUMBER_WORDS": arena.NUMBER_WORDS,
    "POINTER_WORDS": arena.POINTER_WORDS,
    "PIPES": len(arena.PIPES),
    "ENDS": len(arena.ENDS),
    "HEADS": len(arena.HEADS),
    "SLOTS": arena.SLOTS,
    "PLACES": len(arena.PLACES),
    "NUMBERS": len(arena.NUMBERS),
    "CALLS": len(arena.CALLS),
    "WAITS": len(stream.WAITS),
    "KINDS": len(stream.KINDS),
    "STEPS": stream.MOST_STEPS,
    "CODE_FIRST": arena.CODE.start,
    "CODE_PLACES": len(arena.CODE),
    "ENDS_FIRST": arena.OF_ENDS.start,
    "HEADER_BYTES": stream.HEADER_BYTES,
    "ATOM_BYTES": stream.ATOM_BYTES,
    "STEP_BYTES": stream.STEP_BYTES,
    "MOST_BYTES": stream.MOST_STREAM_BYTES,
    "FILL_BYTES": stream.FILL_BYTES,
    "DRAIN_BYTES": stream.DRAIN_BYTES,
    "ARENA_BYTES": arena.ARENA_BYTES,
    "ERRORS": ERRORS,
    "REPORTS": MOST_REPORTS,
}
"""Numbers that are the same on every ABI, by their names in C after ``STREAM_``."""

FULL = (False, True)
"""Whether a pipe may be full, in the order of C's tables."""

HEXADECIMAL = {"FLAGS_AT_LARGE": stream.FLAGS_AT_LARGE, "UNKNOWN_NR": arena.UNKNOWN_NR}


def tables() -> str:
    """The text of the header."""
    lines = [
        "/* SPDX-License-Identifier: MIT */",
        "/* Written by syslet_conformance.fuzz.c_tables. */",
        "#ifndef STREAM_TABLES_H",
        "#define STREAM_TABLES_H",
        "",
        *(f"#define STREAM_{name} {value}" for name, value in COUNTS.items()),
        *(f"#define STREAM_{name} {value:#x}UL" for name, value in HEXADECIMAL.items()),
        "",
        "enum step_kind {",
        *(f"\tSTEP_{kind.upper()}," for kind in stream.KINDS),
        "};",
        "",
        "static const unsigned short stream_limits[STREAM_KINDS][3] = {",
        *(f"\t[{kind}] = {{ {_listed(row)} }}," for kind, row in stream.LIMITS.items()),
        "};",
        "",
        *_array("unsigned char", "stream_waits[STREAM_WAITS]", stream.WAITS),
        *_array("char *const", "stream_calls[STREAM_CALLS]", map(_quoted, arena.CALLS)),
        "",
        "/* The end that is closed last: [whether the pipe may be full][pipe]. */",
        "static const unsigned char stream_closes[2][STREAM_PIPES] = {",
        *(f"\t{{ {_listed(map(arena.ENDS.index, PIPE_CLOSES[full]))} }}," for full in FULL),
        "};",
        "",
        "struct stream_place {",
        "\tunsigned char is_relative; /* to where the arena is */",
        "\tunsigned long at;",
        "};",
    ]
    for size, name in BY_LONG.items():
        lines += ["", f"#if __SIZEOF_LONG__ == {size}", *_of_abi(ABIS[name]), "#endif"]
    lines += ["", "#endif /* STREAM_TABLES_H */"]
    return "\n".join(lines) + "\n"


def _of_abi(abi: Abi) -> Iterator[str]:
    """Where things lie, in an arena at 0: what moves with it is relative."""
    numbers = dict.fromkeys(arena.CALLS, 0)
    here, there = Arena(abi, 0, numbers), Arena(abi, arena.PAGE_BYTES, numbers)
    yield "static const struct stream_place stream_places[STREAM_PLACES] = {"
    for at, moved in zip(here.addresses, there.addresses, strict=True):
        yield f"\t{{ {int(at != moved)}, {at:#x}UL }},"
    yield "};"
    values = [f"{value:#x}UL" for value in here.values]
    yield from _array("unsigned long", "stream_numbers[STREAM_NUMBERS]", values)
    yield f"#define STREAM_BAD {here.labels['bad']}"
    heads = (here.labels[head] for head in arena.HEADS)
    yield from _array("unsigned short", "stream_heads[STREAM_HEADS]", heads)
    yield from _array("unsigned short", "stream_rings[STREAM_HEADS]", here.rings)


def _array(type_: str, declarator: str, values: Iterable[object]) -> list[str]:
    rows = [f"\t{value}," for value in values]
    return [f"static const {type_} {declarator} = {{", *rows, "};"]


def _quoted(text: str) -> str:
    return f'"{text}"'


def _listed(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in values)


def main(words: list[str]) -> int:
    """0; 1 where --check finds another file."""
    return write_or_check("c_tables", words, HEADER, tables())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
