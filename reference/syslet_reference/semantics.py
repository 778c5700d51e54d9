"""What an atom's flags decide: pure functions over a result (chain.*, skip.*; source: abi)."""

from __future__ import annotations

from collections.abc import Callable

from syslet_layouts import Flag

STOPS: dict[Flag, Callable[[int], bool]] = {
    Flag.STOP_ON_NONZERO: lambda result: result != 0,
    Flag.STOP_ON_ZERO: lambda result: result == 0,
    Flag.STOP_ON_NEGATIVE: lambda result: result < 0,
    Flag.STOP_ON_NON_POSITIVE: lambda result: result <= 0,
}
"""Each stop flag and the results on which it stops (chain.stop-table)."""

_SHIFT = int(Flag.STOP_ON_NONZERO).bit_length() - 1
_STOP_BITS = (1 << len(STOPS)) - 1
_SKIP = int(Flag.SKIP_TO_NEXT_ON_STOP)


def _row(bits: int) -> tuple[bool, ...]:
    """For one combination of stop flags: does it stop on 0, on a positive, on a negative?"""
    chosen = [holds for flag, holds in STOPS.items() if flag & bits << _SHIFT]
    return tuple(any(holds(result) for holds in chosen) for result in (0, 1, -1))


_STOP_TABLE = tuple(_row(bits) for bits in range(_STOP_BITS + 1))
# Indexed by the sign of the result: [0], [1], and [-1], which is the last.


def stops(flags: int, result: int) -> bool:
    """Whether an atom with these flags stops on this signed result.

    Any one flag that holds stops (chain.stop-any-of). Total.
    """
    return _STOP_TABLE[flags >> _SHIFT & _STOP_BITS][(result > 0) - (result < 0)]


def successor(
    flags: int, stopped: bool, atom: int, next: int, atom_size: int, word_mask: int
) -> int | None:
    """The address of the atom to run after the one at `atom`, or None where the syslet ends.

    Without a stop it is `next`, NULL ending the syslet (chain.next, chain.null-ends). A stop
    ends the syslet (chain.stop-ends), unless the atom skips: then it is one full atom further,
    packed or not, whatever `next` holds (skip.stride, skip.full-stride-when-packed,
    skip.ignores-next). Addresses wrap at `word_mask`. Total.
    """
    if not stopped:
        return next or None
    if flags & _SKIP:
        return atom + atom_size & word_mask
    return None
