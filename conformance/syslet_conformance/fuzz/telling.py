"""What one stream did on both sides, for whoever reads a find: words, and the reference's trace."""

from __future__ import annotations

from functools import partial
from typing import Any

from syslet_conformance.fuzz.arena import Arena
from syslet_conformance.fuzz.harmless import Unjudged
from syslet_conformance.fuzz.judge import Judge
from syslet_conformance.fuzz.play import Outcome, closing, uses_pipes
from syslet_conformance.fuzz.program_of import program_of
from syslet_conformance.fuzz.stream import KINDS, Stream
from syslet_conformance.showing import detail_text
from syslet_conformance.text import format_program
from syslet_layouts import SysletError
from syslet_reference.trace import Event

MOST_EVENTS = 400
"""So many events of the trace are kept."""

MOST_DIFFERING = 16
"""So many differing words of memory are shown."""


def wanted(judge: Judge, stream: Stream) -> dict[str, Any]:
    """The ``program``, and lines of ``expected`` with the reference's trace.

    The engine is not given the stream. SysletError where it is not judged.
    """
    arena, events = judge.subject.arena, list[str]()

    def on_event(event: Event) -> None:
        if len(events) < MOST_EVENTS:
            events.append(_event(arena, event))

    fds = judge.subject.fds(used=uses_pipes(stream))
    try:
        _, late = judge.oracle.expected(stream, fds)
        expected, _ = judge.oracle.expected(stream, fds, on_event, late)
    except Unjudged as reason:
        raise SysletError(f"the stream is not judged: {reason}") from None
    (first, _), (second, _) = expected.ends
    program = program_of(stream, arena.abi, late=late, reported=(first, second))
    return {
        "program": format_program(program),
        "expected": [*_outcome(arena, stream, expected), "", "trace of the reference:", *events],
    }


def given(judge: Judge, stream: Stream) -> dict[str, Any]:
    """Lines of ``got``: what the engine gave. SysletError where it is not given the stream."""
    arena, judged = judge.subject.arena, judge.judge(stream)
    if judged.expected is None or judged.got is None:
        raise SysletError(f"the stream is not judged: {judged.difference}")
    differing = _memory(arena, judged.expected, judged.got)
    return {"got": [*_outcome(arena, stream, judged.got), "", *differing]}


def _outcome(arena: Arena, stream: Stream, outcome: Outcome) -> list[str]:
    steps = [*stream.steps, *closing(stream)]
    lines = [
        f"{KINDS[step.kind]}: {_given(arena, gave)}"
        for step, gave in zip(steps, outcome.gave, strict=True)
    ]
    for head, (reported, entries) in enumerate(outcome.ends):
        lines.append(f"at the end, h{head}: {reported} errors, entries {_given(arena, entries)}")
    return lines


def _given(arena: Arena, gave: object) -> str:
    if gave is None:
        return "done"
    if isinstance(gave, tuple):
        return ", ".join(name(arena, word) for word in gave) or "none"
    if isinstance(gave, int):
        return name(arena, gave) if gave else "0"
    return repr(gave) if isinstance(gave, bytes) else str(gave)


def _memory(arena: Arena, expected: Outcome, got: Outcome) -> list[str]:
    """Words of memory that differ."""
    word, lines = arena.abi.word_bytes, list[str]()
    for offset in range(0, arena.size_bytes, word):
        wanted, given = (o.memory[offset : offset + word] for o in (expected, got))
        if wanted != given:
            at = name(arena, arena.base + offset)
            order = arena.abi.byteorder
            values = (int.from_bytes(data, order) for data in (given, wanted))
            lines.append(f"memory at {at}: {', wanted '.join(name(arena, v) for v in values)}")
    return lines[:MOST_DIFFERING]


def name(arena: Arena, word: int) -> str:
    """A word as text: an address in the arena by its label."""
    offset = word - arena.base
    if not 0 <= offset <= arena.size_bytes:
        return f"{word:#x}"
    label, behind = arena.label_at(offset)
    return f"&{label}+{behind}" if behind else f"&{label}"


def _event(arena: Arena, event: Event) -> str:
    details = detail_text(arena.abi, partial(name, arena), event.detail)
    atom = name(arena, event.atom) if event.atom else "-"
    return f"{event.step} syslet {event.syslet} {atom} {_spaced(details)}".rstrip()


def _spaced(details: dict[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in details.items())
