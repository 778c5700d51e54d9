"""Whether a chain can come back to an atom, as far as the atoms of a stream say it."""

from __future__ import annotations

from syslet_conformance.fuzz.arena import ATOMS, CODE, OF_EDGES, ROW
from syslet_conformance.fuzz.stream import Drawn
from syslet_layouts import Flag
from syslet_reference import STOPS

STOP_BITS = sum(map(int, STOPS))
_SKIP = int(Flag.SKIP_TO_NEXT_ON_STOP)

_FOLLOWED = frozenset(ROW[:-1])

_APART = frozenset(CODE[: ATOMS + 1])
"""Places of atoms that have no byte in common."""

_ENDS_THERE = frozenset((0, *OF_EDGES))
"""Where a chain ends, or a fault ends it."""


def successors(atom: Drawn) -> tuple[int, ...]:
    """The places that an atom can lead to; by a skip, too."""
    if atom.flags & _SKIP and atom.flags & STOP_BITS and atom.at in _FOLLOWED:
        return atom.next, atom.at + 1
    return (atom.next,)


def closing(atoms: tuple[Drawn, ...]) -> list[Drawn]:
    """The atoms that lead back to one from which a chain comes to them again."""
    leads: dict[int, tuple[int, ...]] = {}
    found = []
    for atom in atoms:
        if atom.next > atom.at or atom.next < ROW.start:
            continue
        leads = leads or {atom.at: successors(atom) for atom in atoms}
        if _is_reached(atom.at, atom.next, leads):
            found.append(atom)
    return found


def _is_reached(place: int, start: int, leads: dict[int, tuple[int, ...]]) -> bool:
    """Whether a chain that starts there comes to a place."""
    seen, left = {start}, [start]
    while left and place not in seen:
        for following in leads.get(left.pop(), ()):
            if following not in seen:
                seen.add(following)
                left.append(following)
    return place in seen


def may_come_back(atoms: tuple[Drawn, ...]) -> bool:
    """Whether there is a loop, or it cannot be told: atoms overlap, or lead to where none is."""
    here = {atom.at for atom in atoms}
    if not here <= _APART or any(atom.next not in here | _ENDS_THERE for atom in atoms):
        return True
    return bool(closing(atoms))
