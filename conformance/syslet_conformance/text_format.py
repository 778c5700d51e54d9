"""A program as text in its canonical form, which `text.parse` turns into the same value."""

from __future__ import annotations

from collections.abc import Iterable

from syslet_conformance.program import (
    NULL,
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
    Join,
    Pipe,
    Poke,
    Program,
    Ring,
    Section,
    Step,
    Store,
    Unmap,
    Value,
    Wait,
    Words,
)
from syslet_conformance.validate import check_program, spelled
from syslet_layouts import Flag

SHORTEST_ZEROS = 64
"""So many zero bytes, or more, are fed by their number."""

LARGEST_DECIMAL = 9999
"""Numbers beyond it, either side of 0, are written in hexadecimal."""

ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "t": "\t"}
"""What may follow a backslash in a string, beside ``xNN``."""

_ESCAPED = {ord(char): f"\\{letter}" for letter, char in ESCAPES.items()}


def format_program(program: Program) -> str:
    """The canonical text: a line for each declaration and step, a blank one between.

    ProgramError if the program is not valid.
    """
    check_program(program)
    blocks: list[list[str]] = [[]]
    for declaration in program.declarations:
        if isinstance(declaration, Section) and blocks[-1]:
            blocks.append([])
        blocks[-1].append(format_declaration(declaration))
    blocks.append([format_step(step) for step in program.steps])
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks if block)


def format_declaration(declaration: Declaration) -> str:
    """One declaration's line, without the newline. Total."""
    match declaration:
        case Section(label):
            return f"section {label}"
        case Words(label, values):
            return f"word {label} = {_values(values)}"
        case Bytes(label, data):
            return f"string {label} = {quoted(data)}"
        case Buffer(label, size_bytes):
            return f"buffer {label} {number(size_bytes)}"
        case Pipe(label):
            return f"pipe {label}"
        case Ring(label, slots):
            return f"ring {label} {number(slots)}"
        case Head():
            return _head(declaration)
        case Atom():
            return _atom(declaration)


def format_step(step: Step) -> str:
    """One step's line, without the newline. Total."""
    match step:
        case Exec(atom, head, started):
            return f"exec {_pointer(atom)} head={_pointer(head)}" + " started" * started
        case Wait(min_events, head, user_ring_idx, started):
            index = "" if user_ring_idx is None else f" user_ring_idx={number(user_ring_idx)}"
            return f"wait {number(min_events)} head={_pointer(head)}{index}" + " started" * started
        case Feed(pipe, data):
            return f"feed {pipe} {_fed(data)}"
        case Drain(pipe, count):
            return f"drain {pipe} {number(count)}"
        case Close(end):
            return f"close {end}"
        case Consume(head_label, taken):
            return f"consume {head_label}" + ("" if taken is None else f" {number(taken)}")
        case Store(place, values):
            return f"store {_pointer(place)} = {_values(values)}"
        case Poke(place, written):
            return f"poke {_pointer(place)} {quoted(written)}"
        case Unmap(section):
            return f"unmap {section}"
        case Join():
            return "join"


def number(of: int) -> str:
    """A number: decimal while it is short, then hexadecimal."""
    return str(of) if abs(of) <= LARGEST_DECIMAL else hex(of)


def value(of: Value) -> str:
    """A word: ``&label+offset``, or a number."""
    return spelled(of) if isinstance(of, Address) else number(of)


def quoted(data: bytes) -> str:
    """A string in double quotes, printable ASCII but for its escapes."""
    return '"' + "".join(_ESCAPED.get(byte) or _byte(byte) for byte in data) + '"'


def _fed(data: bytes) -> str:
    """The bytes, or how many zeros they are."""
    are_many_zeros = len(data) >= SHORTEST_ZEROS and not any(data)
    return number(len(data)) if are_many_zeros else quoted(data)


def _byte(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


def _values(values: Iterable[Value]) -> str:
    return ", ".join(map(value, values))


def _pointer(pointer: Value) -> str:
    return "_" if pointer == NULL else value(pointer)


def _head(head: Head) -> str:
    words = [f"head {head.label}"]
    if head.ring is not None:
        words.append(f"ring={head.ring}")
    if head.kernel_ring_idx:
        words.append(f"kernel_ring_idx={number(head.kernel_ring_idx)}")
    if head.user_ring_idx:
        words.append(f"user_ring_idx={number(head.user_ring_idx)}")
    if head.completion_ring is not None:
        words.append(f"completion_ring={_pointer(head.completion_ring)}")
    if head.ring_size_bytes is not None:
        words.append(f"ring_size_bytes={number(head.ring_size_bytes)}")
    return " ".join(words)


def _atom(atom: Atom) -> str:
    call = atom.nr if isinstance(atom.nr, str) else f"nr({number(atom.nr)})"
    words = [f"atom {atom.label} {call}({', '.join(map(_pointer, atom.args))})"]
    if atom.flags:
        words.append(f"flags={flags_text(atom.flags)}")
    if atom.ret != NULL:
        words.append(f"ret={value(atom.ret)}")
    if atom.next != NULL:
        words.append(f"next={value(atom.next)}")
    if atom.private != 0:
        words.append(f"private={value(atom.private)}")
    if atom.packed:
        words.append("packed")
    return " ".join(words)


def flags_text(flags: Flag) -> str:
    """Flags by their names, and what has none in hexadecimal; "" where there is none."""
    bits = int(flags)
    names = [str(flag.name) for flag in Flag if bits & flag]
    rest = bits & ~sum(Flag)
    return "|".join([*names, hex(rest)] if rest else names)
