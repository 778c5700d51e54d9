"""The rules that need no oracle: which outcomes break one."""

from __future__ import annotations

from typing import Any

import pytest
from fuzz_streams import A0, EXEC_READ, PLAIN, READS, adds, judge_of

from syslet_conformance.fuzz.arena import OF_FIELDS, OF_NUMBERS, OF_POINTERS, OF_RINGS
from syslet_conformance.fuzz.play import ERROR, NULL_WORD, SUBMITTED, Outcome
from syslet_conformance.fuzz.rules import broken
from syslet_conformance.fuzz.stream import EXEC, Step
from syslet_layouts import ABIS


@pytest.mark.parametrize(
    ("gave", "entries", "rule"),
    [
        ((NULL_WORD, SUBMITTED), (A0,), ""),
        ((NULL_WORD, SUBMITTED), (A0, A0), "more"),
        ((NULL_WORD, SUBMITTED), (), "fewer"),
        # The second faulted in its caller, or told that the first found no place.
        ((NULL_WORD, ERROR), (A0,), ""),
        ((NULL_WORD, ERROR), (), ""),
        ((NULL_WORD, ERROR), (A0, A0), "more"),
        ((NULL_WORD, NULL_WORD), (A0,), "fewer"),
    ],
)
def test_each_syslet_that_went_asynchronous_completes_once(
    gave: tuple[str, ...], entries: tuple[int, ...], rule: str
) -> None:
    arena = judge_of(ABIS["ilp32-le"]).subject.arena
    stream = PLAIN._replace(atoms=(READS,), steps=(EXEC_READ, EXEC_READ))
    memory = bytes(arena.size_bytes)
    expected = Outcome((NULL_WORD, SUBMITTED), ((0, (A0,)), (0, ())), memory)
    got = Outcome(gave, ((0, entries), (0, ())), memory)
    says = broken(stream, arena, expected, got, enters_faults=True)
    assert says == (f"{rule} completions than syslets that went asynchronous" if rule else "")


ADDS = adds(A0)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({}, "an atom changed that nothing names"),
        # What is added to lies where an entry of a ring leads: to an atom, once it is posted.
        ({"atoms": (ADDS._replace(args=(OF_RINGS[1], OF_NUMBERS[0])),)}, ""),
        ({"atoms": (ADDS._replace(args=(OF_FIELDS[3], OF_NUMBERS[0])),)}, ""),
        # A pointer is added to, or a result stored over it.
        ({"pointers": (OF_POINTERS[1], *PLAIN.pointers[1:])}, ""),
        ({"atoms": (ADDS._replace(ret=OF_POINTERS[0]),)}, ""),
    ],
    ids=["plain", "ring", "field", "pointer", "result"],
)
def test_an_atom_stays_as_it_is_where_nothing_can_lead_to_it(
    changed: dict[str, Any], rule: str
) -> None:
    arena = judge_of(ABIS["lp64-le"]).subject.arena
    stream = PLAIN._replace(atoms=(ADDS,), steps=(Step(EXEC, A0),))._replace(**changed)
    memory = bytes(arena.size_bytes)
    atom = arena.labels["a7"]
    other = memory[:atom] + b"\3" + memory[atom + 1 :]
    expected = Outcome((SUBMITTED,), ((0, ()), (0, ())), memory)
    assert broken(stream, arena, expected, expected, enters_faults=True) == ""
    got = expected._replace(memory=other)
    assert broken(stream, arena, expected, got, enters_faults=True) == rule
