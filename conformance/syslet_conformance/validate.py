"""What every program must obey, whatever its ABI and wherever it was made.

`faults` finds them all, in order, and says where; `check_program` raises the first.
What depends on the ABI (a value that its word cannot hold) is checked on assembly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from syslet_conformance.program import (
    Address,
    Atom,
    Buffer,
    Bytes,
    Close,
    Consume,
    Declaration,
    Drain,
    Exec,
    Feed,
    Head,
    Pipe,
    Poke,
    Program,
    ProgramError,
    Ring,
    Section,
    Step,
    Store,
    Unmap,
    Value,
    Wait,
    Words,
    labels,
)
from syslet_layouts import ARGUMENTS

GREATEST_SIZE_BYTES = 1 << 26
"""The largest buffer, string or ring that a program may declare: text is hostile, too."""

LONGEST_LABEL = 100
RESERVED = frozenset({"_", "NULL", "nr"})
"""Names that the program text needs for itself."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LEAST, _GREATEST = -(1 << 63), (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Place:
    """The declaration or the step with that index in its program."""

    kind: Literal["declaration", "step"]
    index: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong; `subject` is the text in that line which shows it, or empty."""

    place: Place
    message: str
    subject: str = ""


def check_program(program: Program) -> None:
    """Return if the program is a valid one; else ProgramError with its first fault."""
    for fault in faults(program):
        place = fault.place
        raise ProgramError(f"{place.kind} {place.index}: {fault.message}")


def faults(program: Program) -> Iterator[Fault]:
    """Every fault of the program, in the order of its declarations and steps. Total."""
    defined: dict[str, Declaration] = {}
    for declaration in program.declarations:
        for label in labels(declaration):
            defined.setdefault(label, declaration)
    seen: set[str] = set()
    for index, declaration in enumerate(program.declarations):
        for message, subject in _declaration_faults(declaration, defined, seen):
            yield Fault(Place("declaration", index), message, subject)
    for index, step in enumerate(program.steps):
        for message, subject in _step_faults(step, defined):
            yield Fault(Place("step", index), message, subject)


Defined = dict[str, Declaration]
Found = Iterable[tuple[str, str]]


def is_name(text: str) -> bool:
    """`text` can be a label, or the name of a syscall."""
    return bool(_NAME.match(text)) and text not in RESERVED and len(text) <= LONGEST_LABEL


def spelled(address: Address) -> str:
    """``&label+offset``."""
    offset = f"{address.offset:+d}" if address.offset else ""
    return f"&{address.label}{offset}"


def _declaration_faults(declaration: Declaration, defined: Defined, seen: set[str]) -> Found:
    label = declaration.label
    if not is_name(label):
        wanted = f"wanted letters, digits and _ (at most {LONGEST_LABEL}), not {_listed(RESERVED)}"
        yield f"label {label[:LONGEST_LABEL]!r}, {wanted}", label
    if label in seen:
        yield f"label {label!r} a second time, wanted a label of its own", label
    seen.add(label)
    match declaration:
        case Words(values=values):
            if not values:
                yield f"no value in {label!r}, wanted one or more words", label
            what = f"word of {label!r}"
            for value in values:
                yield from _value(what, value, defined)
        case Atom():
            yield from _atom(declaration, defined)
        case Bytes(data=data):
            yield from _number(f"length of {label!r}", len(data), 0, GREATEST_SIZE_BYTES)
        case Buffer(size_bytes=size):
            yield from _number(f"size of {label!r}", size, 0, GREATEST_SIZE_BYTES)
        case Ring(slots=slots):
            yield from _number(f"slots of {label!r}", slots, 1, GREATEST_SIZE_BYTES // 8)
        case Head():
            yield from _head(declaration, defined)
        case Section() | Pipe():
            pass


def _head(head: Head, defined: Defined) -> Found:
    if head.ring is not None:
        yield from _names("ring", head.ring, Ring, defined)
    yield from _number("kernel_ring_idx", head.kernel_ring_idx)
    yield from _number("user_ring_idx", head.user_ring_idx)
    if head.completion_ring is not None:
        yield from _value("completion_ring", head.completion_ring, defined)
    if head.ring_size_bytes is not None:
        yield from _number("ring_size_bytes", head.ring_size_bytes)


def _atom(atom: Atom, defined: Defined) -> Found:
    if isinstance(atom.nr, int):
        yield from _number("nr", atom.nr)
    elif not is_name(atom.nr):
        yield f"nr {atom.nr[:LONGEST_LABEL]!r}, wanted the name of a syscall, or nr(...)", atom.nr
    if len(atom.args) > ARGUMENTS:
        yield f"{len(atom.args)} argument pointers, wanted at most {ARGUMENTS}", atom.label
    for value in atom.args:
        yield from _value("argument pointer", value, defined)
    yield from _number("flags", int(atom.flags), 0)
    yield from _value("ret", atom.ret, defined)
    yield from _value("next", atom.next, defined)
    yield from _value("private", atom.private, defined)
    if atom.packed:
        if 0 in atom.args:
            wanted = "wanted none: the atom is cut off after its last pointer"
            yield (
                f"a NULL among the arguments of the packed atom {atom.label!r}, {wanted}",
                "packed",
            )
        if atom.private != 0 and len(atom.args) < ARGUMENTS:
            wanted = f"wanted {ARGUMENTS} argument pointers, or none: it is cut off"
            yield f"private of the packed atom {atom.label!r}, {wanted}", "packed"


def _step_faults(step: Step, defined: Defined) -> Found:
    match step:
        case Exec():
            yield from _value("atom", step.atom, defined)
            yield from _value("head", step.head, defined)
        case Wait():
            yield from _number("min_events", step.min_events)
            yield from _value("head", step.head, defined)
            if step.user_ring_idx is not None:
                yield from _number("user_ring_idx", step.user_ring_idx)
        case Feed():
            yield from _names("pipe", step.pipe, Pipe, defined)
            yield from _number("length", len(step.data), 0, GREATEST_SIZE_BYTES)
        case Drain():
            yield from _names("pipe", step.pipe, Pipe, defined)
            yield from _number("count", step.count, 0, GREATEST_SIZE_BYTES)
        case Close(end=end):
            if "." not in end or not isinstance(defined.get(end), Pipe):
                yield f"close {end!r}, wanted an end of a pipe: LABEL.read or LABEL.write", end
        case Consume():
            yield from _names("head", step.head, Head, defined)
            if step.count is not None:
                yield from _number("count", step.count, 0, GREATEST_SIZE_BYTES)
        case Store():
            yield from _value("place", step.place, defined)
            if not step.values:
                yield "nothing to store, wanted one or more words", ""
            for value in step.values:
                yield from _value("word", value, defined)
        case Poke():
            yield from _value("place", step.place, defined)
            yield from _number("length", len(step.data), 0, GREATEST_SIZE_BYTES)
        case Unmap():
            yield from _names("section", step.section, Section, defined)


def _value(what: str, value: Value, defined: Defined) -> Found:
    if isinstance(value, int):
        return _number(what, value)
    if value.label in defined and not value.offset:
        return ()
    found = _number(f"offset of {what}", value.offset, _LEAST, -_LEAST)
    if value.label in defined:
        return found
    return (f"{what} {spelled(value)}, wanted a label of this program", spelled(value)), *found


def _number(what: str, number: int, least: int = _LEAST, greatest: int = _GREATEST) -> Found:
    if least <= number <= greatest:
        return ()
    return ((f"{what} {number}, wanted {least} to {greatest}", str(number)),)


def _names(what: str, label: str, kind: type[Declaration], defined: Defined) -> Found:
    found = defined.get(label)
    if isinstance(found, kind) and found.label == label:
        return ()
    return ((f"{what} {label!r}, wanted the label of a {what}", label),)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
