"""The steps that a session performed, such that they do the same wherever they are replayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from syslet_conformance.places import Places
from syslet_conformance.program import Exec, Poke, Program, Step, Store, Value, Wait
from syslet_conformance.session import Session
from syslet_conformance.text_format import format_program
from syslet_layouts import SysletError, decode_words

MOST_LABELLED_BYTES = 1 << 16
"""Longer pokes are left as they are."""

PROGRAM_CHARS = 1 << 20
"""Longer texts are not kept."""


def replayable(session: Session) -> tuple[Step, ...]:
    """What was performed, addresses within the program as labels, wherever they were numbers."""
    places = Places(session.layout, session.bases)
    return tuple(_labelled(session, places, step) for step in session.performed)


def program_text(session: Session) -> str:
    """The program with what was performed, as text; or, as a comment, why it is none."""
    steps = replayable(session)
    written = sum(len(step.data) for step in steps if isinstance(step, Poke))
    if written > PROGRAM_CHARS:
        return f"# cannot be written as text: its steps poke {written} bytes\n"
    try:
        return format_program(Program(session.program.declarations, steps))
    except SysletError as error:
        return f"# cannot be written as text: {error}\n"


def _labelled(session: Session, places: Places, step: Step) -> Step:
    match step:
        case Exec(atom, head):
            return replace(step, atom=_value(places, atom), head=_value(places, head))
        case Wait(head=head):
            return replace(step, head=_value(places, head))
        case Store(place):
            return replace(step, place=_value(places, place))
        case Poke(place, data):
            words = list(_words(session, places, data))
            labelled = replace(step, place=_value(places, place))
            held = any(not isinstance(word, int) for word in words)
            return Store(labelled.place, tuple(words)) if held else labelled
        case _:
            return step


def _value(places: Places, value: Value) -> Value:
    return (places.of(value) or value) if isinstance(value, int) else value


def _words(session: Session, places: Places, data: bytes) -> Iterator[Value]:
    """The words that the bytes are, if they are words."""
    if len(data) <= MOST_LABELLED_BYTES and len(data) % session.abi.word_bytes == 0:
        for word in decode_words(session.abi, data):
            yield places.of(word) or word
