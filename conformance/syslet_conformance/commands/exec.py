"""`syslet exec`: run a program and print what happened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from syslet_conformance.backends import EMBEDDED, backend_named, reference
from syslet_conformance.calls import Call
from syslet_conformance.command_files import read_program
from syslet_conformance.contract import Talking
from syslet_conformance.program import Atom, Buffer, Bytes, Declaration, Exec, Head, Wait
from syslet_conformance.session import Session
from syslet_conformance.text_format import format_step
from syslet_layouts import SysletError, abi_named
from syslet_reference import Event, seeded


@click.command("exec")
@click.argument("program", type=click.Path(path_type=Path))
@click.option("--backend", default=EMBEDDED, show_default=True, help="The engine that runs it.")
@click.option("--abi", default="lp64-le", show_default=True, help="The ABI it is loaded for.")
@click.option("--trace/--no-trace", default=True, help="Show each step of the reference engine.")
@click.option("--seed", type=int, help="Pick who goes next by this seed (reference engine).")
def command(program: Path, backend: str, abi: str, trace: bool, seed: int | None) -> None:
    """Run PROGRAM: its trace, its return words, its rings, and the memory that changed."""
    value = read_program(program).program
    session: Session | None = None

    def show(event: Event) -> None:
        if session is not None and event.step != "return":
            detail = "  ".join(f"{key}={_shown(key, n)}" for key, n in event.detail.items())
            click.echo(f"  {session.name(event.atom):<14} {event.step:<9} {detail}")

    def _shown(key: str, number: int | str) -> str:
        if isinstance(number, int) and key in {"next", "ret_ptr", "pointer", "address", "word"}:
            return session.name(number) if session else hex(number)
        return str(number)

    def console(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    chosen = backend_named(backend, [abi])
    if chosen.name == EMBEDDED:
        chosen = reference(
            trace=show if trace else None,
            console=console,
            chooser=None if seed is None else seeded(seed),
        )
    elif seed is not None:
        raise SysletError(f"--seed: backend {backend} has no choices to seed")
    if abi not in chosen.abis:
        raise SysletError(f"--abi {abi}: backend {backend} speaks {', '.join(chosen.abis)}")
    engine = chosen.open(abi_named(abi))
    try:
        session = Session(engine, value)
        before = _snapshot(session)
        for step in value.steps:
            click.echo(format_step(step))
            got = session.perform(step)
            if isinstance(got, Call):
                click.echo("  started")
            elif isinstance(step, Exec | Wait) and isinstance(got, int):
                word = "NULL" if isinstance(step, Exec) and not got else _word(session, got)
                click.echo(f"  returned {word}")
            elif isinstance(got, list):
                click.echo("  got " + (", ".join(_word(session, word) for word in got) or "none"))
            elif got is not None:
                click.echo(f"  got {got!r}")
        for declaration in value.declarations:
            if isinstance(declaration, Head) and declaration.ring is not None:
                slots = ", ".join(session.name(slot) for slot in session.slots(declaration.label))
                click.echo(f"ring {declaration.ring}: {slots}")
        _print_changes(session, before)
    finally:
        engine.close()
        if isinstance(engine, Talking):
            sys.stderr.buffer.write(engine.said)
            sys.stderr.buffer.flush()


def _snapshot(session: Session) -> list[bytes]:
    sections = zip(session.bases, session.layout.sections, strict=True)
    return [session.engine.read(base, section.size_bytes) for base, section in sections]


def _word(session: Session, word: int) -> str:
    """A return word: an address by its label, an error by its number."""
    signed = session.abi.signed(word)
    return str(signed) if -4095 <= signed <= 0 else session.name(word)


def _print_changes(session: Session, before: list[bytes]) -> None:
    """Each word, field or run of bytes that is no longer what it was."""
    after = _snapshot(session)
    for index, section in enumerate(session.layout.sections):
        for placed in section.placed:
            part = slice(placed.offset, placed.offset + placed.size_bytes)
            old, new = before[index][part], after[index][part]
            for name, was, now in _parts(session, placed.declaration, old, new):
                if was != now:
                    click.echo(f"changed {name}: {was} -> {now}")


def _parts(
    session: Session, declaration: Declaration, old: bytes, new: bytes
) -> Iterator[tuple[str, str, str]]:
    """What a declaration consists of: (name, old value, new value) as text."""
    abi, label = session.abi, declaration.label
    if isinstance(declaration, Bytes | Buffer):
        yield label, _cut(old), _cut(new)
        return
    if isinstance(declaration, Atom | Head):
        places = abi.atom_places if isinstance(declaration, Atom) else abi.head_places
        cells = [(f"{label}.{p.name}", p.offset, p.size_bytes) for p in places]
    else:
        size = abi.word_bytes
        cells = [
            (f"{label}+{offset}" if offset else label, offset, size)
            for offset in range(0, len(old), size)
        ]
    for name, offset, size in cells:
        words = (int.from_bytes(data[offset : offset + size], abi.byteorder) for data in (old, new))
        was, now = (_number(session, word) for word in words)
        yield name, was, now


def _number(session: Session, word: int) -> str:
    """An address by its label, anything else as a signed number."""
    named = session.name(word) if word else "0"
    return named if named.startswith("&") else str(session.abi.signed(word))


def _cut(data: bytes) -> str:
    return f"{data[:32]!r}" + (f" ... ({len(data)} bytes)" if len(data) > 32 else "")
