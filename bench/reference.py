"""How fast the reference runs atoms, beside a bare loop over the same chain.

The bare loop does bounds-checked reads of one `bytearray` and looks calls up in a
dictionary. Prints ratios of medians, measured in turn in one run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from syslet_layouts import (
    ABIS,
    Abi,
    AsyncHeadUser,
    Flag,
    SysletUatom,
    encode_atom,
    encode_head,
    encode_words,
)
from syslet_reference import NUMBERS, ReferenceEngine

REPEATS = 5
ATOMS = 50_000


class Loop:
    """One atom that adds 1 to a counter until it is 0."""

    def __init__(self, abi: Abi) -> None:
        self.abi, self.engine = abi, ReferenceEngine(abi)
        base = self.base = self.engine.map(4096)
        self.counter, pointer, one, self.head = base + 64, base + 72, base + 80, base + 128
        self.atom = base + 256
        head = AsyncHeadUser(completion_ring=base, ring_size_bytes=4 * abi.word_bytes)
        nr = NUMBERS["umem_add"][abi.word_bytes == 8]
        atom = SysletUatom(int(Flag.STOP_ON_ZERO), nr, 0, self.atom, pointer, one)
        self.engine.write(self.head, encode_head(abi, head))
        self.engine.write(pointer, encode_words(abi, [self.counter]))
        self.engine.write(one, encode_words(abi, [1]))
        self.engine.write(self.atom, encode_atom(abi, atom))

    def reference(self, atoms: int) -> None:
        self.engine.write(self.counter, encode_words(self.abi, [-atoms]))
        assert self.engine.exec(self.atom, self.head) == self.atom

    def bare(self, atoms: int) -> None:
        abi, memory, base = self.abi, bytearray(self.engine.read(self.base, 4096)), self.base
        unpack_atom, unpack = abi.atom_struct.unpack_from, abi.word_struct.unpack_from
        pack, width, size = abi.word_struct.pack_into, abi.word_bytes, abi.atom_size
        pack(memory, self.counter - base, -atoms & abi.word_mask)

        def add(address: int, inc: int) -> int:
            at = address - base
            if not 0 <= at <= 4096 - width:
                raise IndexError(address)
            value: int = unpack(memory, at)[0] + inc & abi.word_mask
            pack(memory, at, value)
            return value

        calls: dict[int, Callable[..., int]] = {NUMBERS["umem_add"][width == 8]: add}
        atom = self.atom
        while atom:
            at = atom - base
            if not 0 <= at <= 4096 - size:
                raise IndexError(atom)
            flags, nr, _, following, *pointers = unpack_atom(memory, at)
            args = []
            for pointer in pointers[:6]:
                if not pointer:
                    break
                at = pointer - base
                if not 0 <= at <= 4096 - width:
                    raise IndexError(pointer)
                args.append(unpack(memory, at)[0])
            if not calls[nr](*args) and flags & 0x10:
                break
            atom = following


def seconds(work: Callable[[int], None], atoms: int) -> float:
    started = time.perf_counter()
    work(atoms)
    return time.perf_counter() - started


def main() -> None:
    print(f"atoms a second, reference / bare loop (goal >= 0.5), {ATOMS} atoms")
    for abi in ABIS.values():
        loop = Loop(abi)
        pairs = [
            (seconds(loop.reference, ATOMS), seconds(loop.bare, ATOMS)) for _ in range(REPEATS)
        ]
        ratio = statistics.median(bare / reference for reference, bare in pairs)
        print(f"  {abi.name:<12}{ratio:6.2f}")
    print("cost of an atom beside that in a chain of 1,000 (flat is 1.0)")
    loop = Loop(ABIS["lp64-le"])
    floor = min(seconds(loop.reference, 1000) / 1000 for _ in range(20))
    for atoms in (10, 100, 1000, 10_000, 100_000, 1_000_000):
        repeats = 20 if atoms <= 10_000 else 2
        cost = min(seconds(loop.reference, atoms) / atoms for _ in range(repeats))
        print(f"  {atoms:>9}{cost / floor:6.2f}")


if __name__ == "__main__":
    main()
