"""Decoding atoms in bulk: how many times as long as the bare `struct` module takes.

    PYTHONPATH=layouts python bench/layouts.py

Every figure is a ratio of times measured in one run: the ways to decode take turns in each
repeat, and the median of the ratios of all repeats is printed, so that a machine which is
slow for a while slows all of them.
"""

from __future__ import annotations

import random
import sys
import time
from argparse import ArgumentParser
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from statistics import median

from construct import Array

from syslet_layouts import ABIS, Abi, iter_atoms

GOAL = 3.0
"""`iter_atoms` is to take at most so many times what ``struct.iter_unpack`` takes."""

ATOMS = 100_000
CONSTRUCT_SHARE = 50
"""construct is timed on one atom in so many, and counted by the atom as the others are."""

Decode = Callable[[bytes], Iterable[object]]


def seconds_per_atom(decode: Decode, abi: Abi, data: bytes) -> float:
    """Time to decode `data` and to take every atom, for one of them."""
    start = time.perf_counter()
    deque(decode(data), maxlen=0)
    return (time.perf_counter() - start) * abi.atom_size / len(data)


def ratios(abi: Abi, atoms: int, repeats: int) -> Mapping[str, float]:
    """For each way to decode, the median of its time over that of `struct`."""
    data = random.Random(abi.name).randbytes(atoms * abi.atom_size)
    few_atoms = max(1, atoms // CONSTRUCT_SHARE)
    few = data[: few_atoms * abi.atom_size]
    # Not GreedyRange: construct has no code for it, and runs it uncompiled without a word.
    plain = Array(few_atoms, abi.atom)
    compiled = plain.compile()
    fast = abi.atom_struct
    ways: dict[str, tuple[Decode, bytes]] = {
        "iter_atoms": (lambda part: iter_atoms(abi, part), data),
        "construct plain": (plain.parse, few),
        "construct compiled": (compiled.parse, few),
    }
    _agree(abi, few, plain.parse, compiled.parse)
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        base = seconds_per_atom(fast.iter_unpack, abi, data)
        for name, (decode, part) in ways.items():
            measured[name].append(seconds_per_atom(decode, abi, part) / base)
    return {name: median(figures) for name, figures in measured.items()}


def _agree(abi: Abi, data: bytes, *others: Decode) -> None:
    """A way that decodes something else has no speed worth printing."""
    wanted = [atom.next for atom in iter_atoms(abi, data)]
    for other in others:
        if [getattr(atom, "next", None) for atom in other(data)] != wanted:
            raise AssertionError(f"{abi.name}: construct and struct do not agree")


def main() -> int:
    """Print a row for each ABI; 1 if `iter_atoms` missed the goal on one of them."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--atoms", type=int, default=ATOMS, metavar="N")
    parser.add_argument("--repeats", type=int, default=9, metavar="N")
    given = parser.parse_args()
    if given.atoms < 1 or given.repeats < 1:
        parser.error("wanted at least one atom and one repeat")
    print(f"times struct.iter_unpack, {given.atoms} atoms, median of {given.repeats} repeats")
    print(f"{'ABI':<12}{'iter_atoms':>12}{'construct plain':>18}{'construct compiled':>20}")
    missed = []
    for abi in ABIS.values():
        found = ratios(abi, given.atoms, given.repeats)
        print(
            f"{abi.name:<12}{found['iter_atoms']:>12.2f}{found['construct plain']:>18.1f}"
            f"{found['construct compiled']:>20.1f}"
        )
        if found["iter_atoms"] > GOAL:
            missed.append(abi.name)
    if missed:
        print(f"iter_atoms is above {GOAL} on {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
