"""What a test that did not pass did: on the engine, and beside it on the reference.

It is gathered while the engine is still there. One that is dead or hangs is asked at most one
thing more, and not for long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from syslet_conformance import calls
from syslet_conformance.calls import Call
from syslet_conformance.contract import EngineDied, EngineSilent
from syslet_conformance.memory_differences import differing
from syslet_conformance.patience import patient_s
from syslet_conformance.placement import Layout
from syslet_conformance.places import Places
from syslet_conformance.program import NULL, Atom, Step
from syslet_conformance.replay import BLOCKED, Replay, Took
from syslet_conformance.results import AtomSeen, Evidence, Traced, Turn
from syslet_conformance.session import NO_ANSWER, Session
from syslet_conformance.showing import detail_text, gave_text
from syslet_conformance.text_format import flags_text, format_step, number, value
from syslet_layouts import SysletError
from syslet_reference import NUMBERS, Event

ENGINE_S = 2.0
"""How long the engine may take to say what its memory holds."""

TURNS = 300
"""So many are kept: those before the first that differs rather than those after it."""

BEFORE = 200

EVENTS = 2_000
"""So many are kept of all turns together: those of the first that differs first."""

MEMORY_BYTES = 1 << 20
"""Larger sections are not looked at."""

DIFFERING = 100
"""So many places in memory are kept."""

TEXT_CHARS = 500
"""Longer texts are cut."""


def gathered(sessions: list[Session], error: BaseException | None) -> Evidence:
    """Of the last of these sessions; `error` is what ended the test."""
    if not sessions:
        return Evidence(note="the test loaded no program")
    session = sessions[-1]
    left = _left_by(session, error)
    notes = [left.note] if left.note else []
    atoms = tuple(_atoms(session.layout))
    try:
        replay = Replay(session, left.numbers)
    except SysletError as refused:
        notes.append(f"the reference cannot load the program: {refused}")
        return Evidence(atoms=atoms, note="; ".join(notes))
    try:
        replay.run()
        memory = differing(session, left.sections, replay.session)
        turns = _turns(session, replay, notes)
    finally:
        replay.close()
    notes += [replay.note] if replay.note else []
    if len(memory) > DIFFERING:
        notes.append(f"{len(memory) - DIFFERING} more places in memory differ")
    return Evidence(atoms, tuple(turns), tuple(memory[:DIFFERING]), "; ".join(notes))


def parting(evidence: Evidence) -> list[str]:
    """Two lines that say where engine and reference part first, or none where they do not."""
    if evidence.parting is not None:
        turn = evidence.turns[evidence.parting]
        return _lines(f"step {turn.step}", turn.engine, turn.reference)
    for place in evidence.memory:
        return _lines(f"memory at the end: {place.name}", place.engine, place.reference)
    return []


def _lines(where: str, engine: str, reference: str) -> list[str]:
    said, right = engine or "nothing", reference or "nothing"
    return [f"parts from the reference in {where}", f"  the engine: {said}; the reference: {right}"]


# -- the engine -------------------------------------------------------------------------


@dataclass(slots=True)
class _Left:
    """What an engine left: its sections by their number, and its system calls' numbers."""

    sections: dict[int, bytes] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    note: str = ""


def _left_by(session: Session, error: BaseException | None) -> _Left:
    without = "without its memory at the end"
    if isinstance(error, EngineDied):
        return _Left(note=f"the engine is gone: {without}")
    if isinstance(error, EngineSilent):
        return _Left(note=f"the engine does not answer: {without}")
    left = _Left()
    asked = calls.make("look", lambda: _look(session, left))
    if not asked.returns_within(patient_s(ENGINE_S)):
        return _Left(note=f"the engine does not say what its memory holds: {without}")
    if asked.errors:
        return _Left(note=f"{without}: {asked.errors[0]}")
    return left


def _look(session: Session, left: _Left) -> int:
    """Ask the engine; a call of `calls`, so it returns a number."""
    for name in NUMBERS:
        nr = session.engine.syscall_number(name)
        if nr is not None:
            left.numbers[name] = nr
    for index, section in enumerate(session.layout.sections):
        base, size = session.bases[index], section.size_bytes
        if base not in session.unmapped and 0 < size <= MEMORY_BYTES:
            data = session.engine.read(base, size)
            if len(data) != size:
                raise SysletError(f"read of {size} bytes gave {len(data)}")
            left.sections[index] = data
    return 0


# -- turns ------------------------------------------------------------------------------


def _turns(session: Session, replay: Replay, notes: list[str]) -> list[Turn]:
    """The turns that are kept, each with its part of the trace."""
    here = Places(session.layout, session.bases)
    there = Places(replay.session.layout, replay.session.bases)
    gave = [*session.gave, *[NO_ANSWER] * len(replay.took)]
    pairs = [
        (_gave(session, here, took.step, on_engine), _took(replay.session, there, took))
        for took, on_engine in zip(replay.took, gave, strict=False)
    ]
    first = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs) - 1)
    start = max(0, min(first - BEFORE, len(pairs) - TURNS))
    kept = range(start, min(start + TURNS, len(pairs)))
    if len(kept) < len(pairs):
        notes.append(f"steps {start + 1} to {kept.stop} of {len(session.performed)} are shown")
    shares = _shares(replay.took, first, kept)
    if any(shares[i] < len(replay.took[i].events) or replay.took[i].cut for i in kept):
        notes.append("the trace is cut")
    return [
        Turn(
            _cut(format_step(replay.took[i].step)),
            *pairs[i],
            tuple(_traced(replay.session, there, e) for e in replay.took[i].events[: shares[i]]),
        )
        for i in kept
    ]


def _shares(took: list[Took], first: int, kept: range) -> dict[int, int]:
    """How many events of each turn are kept: of `first` and those before it first."""
    order = sorted(kept, key=lambda i: (i > first, abs(i - first)))
    left, shares = EVENTS, dict[int, int]()
    for i in order:
        shares[i] = min(left, len(took[i].events))
        left -= shares[i]
    return shares


def _gave(session: Session, places: Places, step: Step, gave: object) -> str:
    """What a step gave, as `syslet exec` prints it; of a call that was started also its end."""
    if gave is NO_ANSWER:
        return "no answer"
    if gave is BLOCKED:
        return "blocks"
    text = gave_text(session.abi, places.name, step, gave)
    if isinstance(gave, Call):
        ended = [gave_text(session.abi, places.name, step, word) for word in gave.words]
        text = ", ".join([text, *ended])
    return _cut(text)


def _took(session: Session, places: Places, took: Took) -> str:
    return _cut(took.error) if took.error else _gave(session, places, took.step, took.gave)


def _traced(session: Session, places: Places, event: Event) -> Traced:
    atom = places.name(event.atom) if event.atom else ""
    detail = detail_text(session.abi, places.name, event.detail)
    return Traced(event.step, event.syslet, atom.removeprefix("&"), detail)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[:TEXT_CHARS] + "..."


# -- atoms ------------------------------------------------------------------------------


def _atoms(layout: Layout) -> Iterator[AtomSeen]:
    """Those of the program in the order in which they lie in memory."""
    for section in layout.sections:
        starts = {p.offset: p.declaration for p in section.placed}
        for placed in section.placed:
            atom = placed.declaration
            if isinstance(atom, Atom):
                after = starts.get(placed.offset + layout.abi.atom_size)
                yield AtomSeen(
                    label=atom.label,
                    call=atom.nr if isinstance(atom.nr, str) else f"nr({number(atom.nr)})",
                    flags=flags_text(atom.flags),
                    next="" if atom.next == NULL else value(atom.next).removeprefix("&"),
                    skip=after.label if isinstance(after, Atom) else "",
                )
