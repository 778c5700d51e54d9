"""A stream as a program: one section in which everything lies where it lies in the arena.

Its text is what a find is read, run and kept as. An atom that lies across others cannot be
declared beside them: it is stored over them by the first steps, with the numbers that the calls
have on Linux.
"""

from __future__ import annotations

from collections.abc import Iterator

from syslet_conformance.fuzz.arena import (
    ATOMS,
    CALLS,
    HEADS,
    NUMBER_WORDS,
    PIPES,
    PLACES,
    POINTER_WORDS,
    RINGS,
    SCRATCH_WORDS,
    SLOTS,
    UNKNOWN_NR,
    Place,
    labels,
    number_at,
)
from syslet_conformance.fuzz.steps_of import pointer, steps_of
from syslet_conformance.fuzz.stream import WAITS, Drawn, Stream
from syslet_conformance.program import (
    Address,
    Atom,
    Buffer,
    Consume,
    Declaration,
    Exec,
    Head,
    Join,
    Pipe,
    Poke,
    Program,
    Ring,
    Section,
    Step,
    Store,
    Value,
    Wait,
    Words,
)
from syslet_layouts import ARGUMENTS, Abi, Flag
from syslet_reference import NUMBERS as SYSCALL_NUMBERS

SECTION = "arena"
PLAIN = frozenset(Place(label) for label in ("c", *(f"a{index}" for index in range(ATOMS))))
"""Where the arena has atoms that do not lie across others."""

LAST = f"a{ATOMS - 1}"
"""The atom that ends with the arena."""


def program_of(
    stream: Stream,
    abi: Abi,
    *,
    late: frozenset[int] = frozenset(),
    reported: tuple[int, int] = (0, 0),
) -> Program:
    """The program that lies there and does what `play` does.

    `late` are the steps that only later ones let go: those are started, and joined at the end.
    `reported` says how many errors are still told of each head then; there is a wait for each.
    """
    drawn = {PLACES[atom.at].label: atom for atom in stream.atoms if _is_plain(atom)}
    steps: list[Step] = []
    for atom in stream.atoms:
        if not _is_plain(atom):
            steps += _stored(abi, atom)
    taken = [step for step in steps_of(stream, abi, late) if step is not None]
    steps += taken
    if any(isinstance(step, Exec | Wait) and step.started for step in taken):
        steps.append(Join())
    for head, errors in zip(HEADS, reported, strict=True):
        steps += [Wait(WAITS[-1], Address(head), user_ring_idx=0)] * (errors + 1)
        steps.append(Consume(head))
    declarations = (Section(SECTION), *_front(abi, stream), *_atoms(abi, drawn))
    return Program(declarations, tuple(steps))


def stored_steps(stream: Stream, abi: Abi) -> int:
    """How many steps of the program come before those of the stream."""
    return sum(len(_stored(abi, atom)) for atom in stream.atoms if not _is_plain(atom))


def _is_plain(atom: Drawn) -> bool:
    """Whether it lies where the arena has an atom, and not across others."""
    return PLACES[atom.at] in PLAIN


# -- what lies in memory ----------------------------------------------------------------


def _front(abi: Abi, stream: Stream) -> Iterator[Declaration]:
    """What lies before the atoms."""
    for index in range(NUMBER_WORDS):
        yield Words(f"n{index}", (number_at(abi, stream.numbers[index]),))
    for index in range(POINTER_WORDS):
        yield Words(f"p{index}", (pointer(abi, stream.pointers[index]),))
    for pipe in PIPES:
        yield Pipe(pipe)
    yield Words("bad", (-1,))
    for ring, slots in zip(RINGS, stream.slots, strict=True):
        yield Ring(ring, slots)
        if slots < SLOTS:
            yield Buffer(f"{ring}_free", (SLOTS - slots) * abi.word_bytes)
    for head, ring in zip(HEADS, RINGS, strict=True):
        yield Head(head, ring)
    yield Words("s", (0,) * SCRATCH_WORDS)


def _atoms(abi: Abi, drawn: dict[str, Drawn]) -> Iterator[Declaration]:
    """The atoms, room for those that are not drawn, and the gaps before them."""
    offsets = labels(abi)
    at = offsets["s"] + SCRATCH_WORDS * abi.word_bytes
    for label in ("c", *(f"a{index}" for index in range(ATOMS))):
        if offsets[label] > at:
            yield Buffer(f"before_{label}", offsets[label] - at)
        atom = drawn.get(label)
        yield Buffer(label, abi.atom_size) if atom is None else _atom(abi, label, atom)
        at = offsets[label] + abi.atom_size


def _atom(abi: Abi, label: str, atom: Drawn) -> Atom:
    name = CALLS[atom.call]
    return Atom(
        label,
        UNKNOWN_NR if name == "unknown" else name,
        tuple(pointer(abi, place) for place in atom.args),
        Flag(atom.all_flags),
        pointer(abi, atom.ret),
        pointer(abi, atom.next),
        number_at(abi, atom.private),
    )


# -- atoms across others ----------------------------------------------------------------


def _stored(abi: Abi, atom: Drawn) -> list[Step]:
    """Steps that store an atom, up to where the arena ends."""
    start = pointer(abi, atom.at)
    assert isinstance(start, Address)
    name, half = CALLS[atom.call], abi.atom_places[0].size_bytes
    nr = UNKNOWN_NR if name == "unknown" else SYSCALL_NUMBERS[name][abi.word_bytes == 8]
    halves = (atom.all_flags, nr)
    args = [pointer(abi, place) for place in atom.args]
    args += [0] * (ARGUMENTS - len(args))
    values: list[Value] = [pointer(abi, atom.ret), pointer(abi, atom.next), *args]
    values.append(number_at(abi, atom.private))
    room_bytes = abi.atom_size - start.offset * (start.label == LAST)
    if half == abi.word_bytes:
        return [Store(start, (*halves, *values)[: room_bytes // half])]
    data = b"".join(value.to_bytes(half, abi.byteorder) for value in halves)
    behind = Address(start.label, start.offset + len(data))
    room_words = (room_bytes - len(data)) // abi.word_bytes
    return [Poke(start, data), Store(behind, tuple(values[:room_words]))]
