"""How an outcome differs from the one that was wanted, in words that are the same for all streams
on which an engine goes wrong alike."""

from __future__ import annotations

from syslet_conformance.fuzz.arena import HEADS, Arena
from syslet_conformance.fuzz.play import (
    ERROR,
    NULL_WORD,
    SUBMITTED,
    Outcome,
    closing,
    sooner,
    waited,
)
from syslet_conformance.fuzz.stream import CONSUME, EXEC, KINDS, Step, Stream

NAMES = {ERROR: "an error", NULL_WORD: "NULL", SUBMITTED: "the submitted atom"}


def difference(stream: Stream, arena: Arena, expected: Outcome, got: Outcome) -> str:
    """Where the two part first: in what a step gave, at the end, or in memory. Empty: nowhere."""
    steps = [*stream.steps, *closing(stream)]
    early, later = sooner(got, expected), waited(got) - waited(expected)
    for number, step in enumerate(steps):
        if number in early:
            return f"{KINDS[step.kind]} returned before a step let it go"
        if number in later:
            return f"{KINDS[step.kind]} returned only when a later step let it go"
        wanted, given = expected.gave[number], got.gave[number]
        if wanted != given:
            return _of_step(step, wanted, given)
    for head, wanted_end, given_end in zip(HEADS, expected.ends, got.ends, strict=True):
        if wanted_end[0] != given_end[0]:
            return f"{_count(given_end[0], 'error')} left to be told of {head}, wanted " + (
                _count(wanted_end[0], "error")
            )
        if wanted_end[1] != given_end[1]:
            return _entries(f"at the end {head}'s ring had", wanted_end[1], given_end[1])
    for offset, (wanted_byte, byte) in enumerate(zip(expected.memory, got.memory, strict=True)):
        if wanted_byte != byte:
            return f"memory differs at {_thing(arena, offset)}"
    return ""


def _of_step(step: Step, wanted: object, given: object) -> str:
    kind = KINDS[step.kind]
    if step.kind == EXEC:
        return f"exec gave {_word(given)}, wanted {_word(wanted)}"
    if step.kind == CONSUME:
        assert isinstance(wanted, tuple)
        assert isinstance(given, tuple)
        return _entries("consume gave", wanted, given)
    if isinstance(given, bytes):
        return f"{kind} gave other bytes"
    return f"{kind} gave {NAMES.get(str(given), given)}, wanted {NAMES.get(str(wanted), wanted)}"


def _word(word: object) -> str:
    return NAMES.get(str(word), "another address")


def _entries(what: str, wanted: tuple[int, ...], given: tuple[int, ...]) -> str:
    if len(wanted) == len(given):
        return f"{what} other entries"
    more = "more" if len(given) > len(wanted) else "fewer"
    return f"{what} {more} entries"


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _thing(arena: Arena, offset: int) -> str:
    """What lies there, such that like things have one name."""
    label, _ = arena.label_at(offset)
    kinds = {"n": "a number", "p": "a pointer", "r": "a ring", "h": "a head", "s": "the scratch"}
    return kinds.get(label[0], "an atom") if label != "bad" else "bad"
