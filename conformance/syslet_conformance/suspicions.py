"""What is likely to be a mistake in a program that is valid: a table of rules.

A rule yields the place and a sentence. Nothing here depends on an ABI or runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syslet_conformance.program import (
    Address,
    Atom,
    Close,
    Consume,
    Drain,
    Exec,
    Feed,
    Head,
    Join,
    Pipe,
    Program,
    Ring,
    Store,
    Value,
    Wait,
    Words,
)
from syslet_conformance.validate import Place
from syslet_layouts import STOP_FLAGS, Flag


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Something that is allowed, and hardly meant. `rule` is the rule's name."""

    rule: str
    place: Place
    message: str


def suspicions(program: Program) -> list[Suspicion]:
    """Every suspicion, in the order of the program. `program` is a valid one."""
    found = [
        Suspicion(name, place, message)
        for name, rule in RULES.items()
        for place, message in rule(program)
    ]
    return sorted(found, key=lambda s: (s.place.kind, s.place.index))


Found = Iterator[tuple[Place, str]]


def _declared(index: int) -> Place:
    return Place("declaration", index)


def _atoms(program: Program) -> Iterator[tuple[int, Atom]]:
    for index, declaration in enumerate(program.declarations):
        if isinstance(declaration, Atom):
            yield index, declaration


def _labels(*values: Value) -> Iterator[str]:
    for value in values:
        if isinstance(value, Address):
            yield value.label


def _stored(program: Program) -> set[str]:
    """The labels whose addresses a step stores, or at which it stores."""
    stores = [step for step in program.steps if isinstance(step, Store)]
    return {label for step in stores for label in _labels(step.place, *step.values)}


def _may_skip(atom: Atom) -> bool:
    return bool(atom.flags & Flag.SKIP_TO_NEXT_ON_STOP and atom.flags & STOP_FLAGS)


def _linearly_next(program: Program, index: int) -> Atom | None:
    """The atom a full stride after the one at `index`, where text alone shows it."""
    atom = program.declarations[index]
    after = program.declarations[index + 1 : index + 2]
    if isinstance(atom, Atom) and not atom.packed and after and isinstance(after[0], Atom):
        return after[0]
    return None


def _unreachable_atoms(program: Program) -> Found:
    """From what is submitted, through next, skips, and addresses that a word holds."""
    if not program.steps:
        return
    atoms = {atom.label: index for index, atom in _atoms(program)}
    waiting: list[str] = []
    for step in program.steps:
        if isinstance(step, Exec):
            waiting += _labels(step.atom)
        elif isinstance(step, Store):
            waiting += _labels(*step.values)
    for declaration in program.declarations:
        if isinstance(declaration, Words):
            waiting += _labels(*declaration.values)
    reached: set[str] = set()
    while waiting:
        label = waiting.pop()
        if label in reached or label not in atoms:
            continue
        reached.add(label)
        atom = program.declarations[atoms[label]]
        assert isinstance(atom, Atom)
        waiting += _labels(atom.next, atom.ret, *atom.args)
        if _may_skip(atom) and (target := _linearly_next(program, atoms[label])):
            waiting.append(target.label)
    for label, index in atoms.items():
        if label not in reached:
            yield _declared(index), f"atom {label!r} is never reached"


def _skip_without_stop_flag(program: Program) -> Found:
    for index, atom in _atoms(program):
        if atom.flags & Flag.SKIP_TO_NEXT_ON_STOP and not atom.flags & STOP_FLAGS:
            message = "has SKIP_TO_NEXT_ON_STOP and no stop flag, so it never skips"
            yield _declared(index), f"atom {atom.label!r} {message}"


def _skip_to_no_atom(program: Program) -> Found:
    for index, atom in _atoms(program):
        if _may_skip(atom) and _linearly_next(program, index) is None:
            message = "may skip, and no atom lies a full stride after it"
            yield _declared(index), f"atom {atom.label!r} {message}"


def _async_and_sync(program: Program) -> Found:
    for index, atom in _atoms(program):
        if atom.flags & Flag.ASYNC and atom.flags & Flag.SYNC:
            yield _declared(index), f"atom {atom.label!r} is both ASYNC and SYNC"


def _flags_without_meaning(program: Program) -> Found:
    for index, atom in _atoms(program):
        if unknown := int(atom.flags) & ~sum(Flag):
            yield _declared(index), f"atom {atom.label!r} has flags {unknown:#x} without meaning"


def _argument_after_null(program: Program) -> Found:
    for index, atom in _atoms(program):
        if 0 in atom.args and any(value != 0 for value in atom.args[atom.args.index(0) :]):
            message = "has arguments after a NULL one, which are never fetched"
            yield _declared(index), f"atom {atom.label!r} {message}"


def _ring_never_used(program: Program) -> Found:
    used: set[str] = set()
    for declaration in program.declarations:
        match declaration:
            case Head(ring=ring, completion_ring=None) if ring is not None:
                used.add(ring)
            case Head(completion_ring=Address(label)):
                used.add(label)
            case Words(values=values):
                used.update(_labels(*values))
    used.update(_stored(program))
    for index, declaration in enumerate(program.declarations):
        if isinstance(declaration, Ring) and declaration.label not in used:
            yield _declared(index), f"ring {declaration.label!r} belongs to no head"


def _head_never_used(program: Program) -> Found:
    used: set[str] = set()
    for step in program.steps:
        if isinstance(step, Exec | Wait):
            used.update(_labels(step.head))
        elif isinstance(step, Consume):
            used.add(step.head)
    for index, declaration in enumerate(program.declarations):
        if isinstance(declaration, Head) and declaration.label not in used:
            yield _declared(index), f"head {declaration.label!r} is used by no step"


def _pipe_never_used(program: Program) -> Found:
    used = _stored(program)
    for _, atom in _atoms(program):
        used.update(_labels(atom.ret, atom.next, *atom.args))
    for declaration in program.declarations:
        if isinstance(declaration, Words):
            used.update(_labels(*declaration.values))
    for step in program.steps:
        if isinstance(step, Feed | Drain):
            used.add(step.pipe)
        elif isinstance(step, Close):
            used.add(step.end)
    used = {label.partition(".")[0] for label in used}
    for index, declaration in enumerate(program.declarations):
        if isinstance(declaration, Pipe) and declaration.label not in used:
            yield _declared(index), f"pipe {declaration.label!r} is never used"


def _started_and_not_joined(program: Program) -> Found:
    last_join = max((i for i, s in enumerate(program.steps) if isinstance(s, Join)), default=-1)
    for index, step in enumerate(program.steps):
        if isinstance(step, Exec | Wait) and step.started and index > last_join:
            yield Place("step", index), "is started, and no join comes after it"


def _nothing_is_run(program: Program) -> Found:
    atoms = list(_atoms(program))
    if atoms and not program.steps:
        yield _declared(atoms[0][0]), "the program has atoms, and no step"


RULES: dict[str, Callable[[Program], Found]] = {
    "unreachable-atom": _unreachable_atoms,
    "skip-without-stop-flag": _skip_without_stop_flag,
    "skip-to-no-atom": _skip_to_no_atom,
    "async-and-sync": _async_and_sync,
    "unknown-flags": _flags_without_meaning,
    "argument-after-null": _argument_after_null,
    "ring-never-used": _ring_never_used,
    "head-never-used": _head_never_used,
    "pipe-never-used": _pipe_never_used,
    "started-not-joined": _started_and_not_joined,
    "no-steps": _nothing_is_run,
}
"""Every rule by name."""
