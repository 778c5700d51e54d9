"""Writes the layout facts that the C compiler asserts, out of `syslet_layouts`.

``python -m syslet_native.layout_facts`` writes ``src/layout_facts.h``; with ``--check`` it
fails where the file is not what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from syslet_layouts import ABIS, Abi, Flag
from syslet_native.generated import write_or_check

HEADER = Path(__file__).parent / "src" / "layout_facts.h"
BY_LONG = {4: "ilp32-le", 8: "lp64-le"}
"""Bytes of a long to the ABI whose numbers hold; the byte order changes none of them."""

C_NAMES = {"private": "private_data"}
"""Fields that C++ would not take by their name."""


def facts() -> str:
    """The text of the header."""
    lines = [
        "/* SPDX-License-Identifier: MIT */",
        "/* Written by syslet_native.layout_facts from syslet_layouts. */",
        "#ifndef SYSLET_LAYOUT_FACTS_H",
        "#define SYSLET_LAYOUT_FACTS_H",
        "",
        "#define SYSLET_FACT(fact) _Static_assert(fact, #fact)",
        "",
    ]
    lines += [f"SYSLET_FACT(SYSLET_{flag.name} == {flag.value:#04x});" for flag in Flag]
    for size, name in BY_LONG.items():
        lines += ["", f"#if __SIZEOF_LONG__ == {size}", *_structs(ABIS[name]), "#endif"]
    lines += ["", "#endif /* SYSLET_LAYOUT_FACTS_H */"]
    return "\n".join(lines) + "\n"


def _structs(abi: Abi) -> Iterator[str]:
    structs = {
        "syslet_uatom": (abi.atom_size, abi.atom_places),
        "async_head_user": (abi.head_size, abi.head_places),
    }
    for struct, (size, places) in structs.items():
        yield f"SYSLET_FACT(sizeof(struct {struct}) == {size});"
        for place in places:
            field = C_NAMES.get(place.name, place.name)
            yield f"SYSLET_FACT(offsetof(struct {struct}, {field}) == {place.offset});"
    slot = "*((struct async_head_user *)0)->completion_ring"
    yield f"SYSLET_FACT(sizeof({slot}) == {abi.word_bytes});"


def main(words: list[str]) -> int:
    """0; 1 where --check finds another file."""
    return write_or_check("layout_facts", words, HEADER, facts())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
