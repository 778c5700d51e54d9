"""Where a program's memory ends otherwise on one engine than on another, word by word.

Each has it at other addresses: those that lead into the program are compared by their labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syslet_conformance.placement import Placed
from syslet_conformance.places import Places
from syslet_conformance.program import Buffer, Bytes, Pipe
from syslet_conformance.results import Differing
from syslet_conformance.session import Session
from syslet_conformance.showing import CUT_BYTES, part_text, parts
from syslet_layouts import Abi


@dataclass(frozen=True, slots=True)
class _Side:
    """One engine's memory, and where its addresses lead."""

    places: Places
    sections: dict[int, bytes]


def differing(session: Session, left: dict[int, bytes], replayed: Session) -> list[Differing]:
    """What ends otherwise in the sections that `session` has `left` and `replayed` still has."""
    sections = {
        index: replayed.engine.read(base, len(left[index]))
        for index, base in enumerate(replayed.bases)
        if index in left and base not in replayed.unmapped
    }
    engine = _Side(Places(session.layout, session.bases), left)
    reference = _Side(Places(replayed.layout, replayed.bases), sections)
    return [
        found
        for index in sections
        for placed in session.layout.sections[index].placed
        if not isinstance(placed.declaration, Pipe)  # each engine has descriptors of its own
        for found in _parted(session, index, placed, engine, reference)
    ]


def _parted(
    session: Session, index: int, placed: Placed, engine: _Side, reference: _Side
) -> Iterator[Differing]:
    abi, declaration = session.abi, placed.declaration
    whole = slice(placed.offset, placed.offset + placed.size_bytes)
    ours, its = engine.sections[index][whole], reference.sections[index][whole]
    if ours == its:
        return
    for name, part in parts(abi, declaration, placed.size_bytes):
        if isinstance(declaration, Bytes | Buffer):
            at = _first_parted(abi, (ours, engine), (its, reference))
            if at is None:
                continue
            name, part = f"{name}+{at}" if at else name, slice(at, at + CUT_BYTES)
        got = part_text(abi, engine.places.name, declaration, ours[part])
        right = part_text(abi, reference.places.name, declaration, its[part])
        if got != right:
            yield Differing(name, got, right)


def _first_parted(abi: Abi, ours: tuple[bytes, _Side], its: tuple[bytes, _Side]) -> int | None:
    """The first byte that is another one, and not part of the same label's address."""
    (data, engine), (other, reference) = ours, its
    at = 0
    while at < len(data):
        if data[at] == other[at]:
            at += 1
            continue
        for start in range(max(0, at - abi.word_bytes + 1), at + 1):
            words = slice(start, start + abi.word_bytes)
            meant = engine.places.of(int.from_bytes(data[words], abi.byteorder))
            if meant and meant == reference.places.of(int.from_bytes(other[words], abi.byteorder)):
                at = start + abi.word_bytes
                break
        else:
            return at
    return None
