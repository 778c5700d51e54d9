"""`syslet exec`: run a program and print what happened."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from syslet_conformance.backends import EMBEDDED, backend_named, reference
from syslet_conformance.command_files import read_program
from syslet_conformance.contract import Talking
from syslet_conformance.program import Head
from syslet_conformance.session import Session
from syslet_conformance.showing import detail_text, gave_text, part_text, parts
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
            texts = detail_text(session.abi, session.name, event.detail)
            detail = "  ".join(f"{key}={text}" for key, text in texts.items())
            click.echo(f"  {session.name(event.atom):<14} {event.step:<9} {detail}")

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
            gave = gave_text(session.abi, session.name, step, session.perform(step))
            if gave:
                click.echo(f"  {gave}")
        for declaration in value.declarations:
            if isinstance(declaration, Head) and declaration.ring is not None:
                click.echo(f"ring {declaration.ring}: {_slots(session, declaration)}")
        _print_changes(session, before)
    finally:
        engine.close()
        if isinstance(engine, Talking):
            sys.stderr.buffer.write(engine.said)
            sys.stderr.buffer.flush()


def _slots(session: Session, head: Head) -> str:
    section, _ = session.layout.labels[str(head.ring)]
    if session.bases[section] in session.unmapped:
        return "unmapped"
    return ", ".join(session.name(slot) for slot in session.slots(head.label))


def _snapshot(session: Session) -> list[bytes | None]:
    """The bytes of each section; None of one that is unmapped."""
    sections = zip(session.bases, session.layout.sections, strict=True)
    return [
        None if base in session.unmapped else session.engine.read(base, section.size_bytes)
        for base, section in sections
    ]


def _print_changes(session: Session, before: list[bytes | None]) -> None:
    """Each word, field or run of bytes that is no longer what it was."""
    abi, name = session.abi, session.name
    for old, new, section in zip(before, _snapshot(session), session.layout.sections, strict=True):
        for placed in section.placed if old is not None and new is not None else ():
            whole = slice(placed.offset, placed.offset + placed.size_bytes)
            for part_name, part in parts(abi, placed.declaration, placed.size_bytes):
                was, now = (data[whole][part] for data in (old, new) if data is not None)
                if was != now:
                    texts = (part_text(abi, name, placed.declaration, d) for d in (was, now))
                    click.echo(f"changed {part_name}: {' -> '.join(texts)}")
