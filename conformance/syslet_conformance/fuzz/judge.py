"""One stream, one engine: played on both sides, and judged."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from syslet_conformance.contract import Engine
from syslet_conformance.fuzz.coverage import Seen
from syslet_conformance.fuzz.difference import difference
from syslet_conformance.fuzz.ground import Ground
from syslet_conformance.fuzz.harmless import Unjudged
from syslet_conformance.fuzz.oracle import BY_ATOMS, WITHIN_ATOMS, Among, Oracle
from syslet_conformance.fuzz.play import ERROR, NULL_WORD, Outcome, comes_to, play, uses_pipes
from syslet_conformance.fuzz.rules import broken, may_not_end
from syslet_conformance.fuzz.stream import EXEC, Stream
from syslet_conformance.fuzz.subject import Subject

PATIENT_PLAYS = 3
"""How often a stream is played patiently before what it did is held against the engine."""


class Judgement(StrEnum):
    """What came of a stream."""

    SAME = "same"
    """As the reference does first."""
    ALLOWED = "allowed"
    """As the reference may do, too."""
    UNDECIDED = "undecided"
    """There are too many orders; it breaks no rule."""
    UNJUDGED = "unjudged"
    """It is left open what it does, or it is not harmless. The engine was not given it."""
    FIND = "find"


class Judged(NamedTuple):
    """The judgement, how a find differs, and both outcomes where there are any."""

    judgement: Judgement
    difference: str = ""
    expected: Outcome | None = None
    got: Outcome | None = None


def _tells_errors(outcome: Outcome) -> bool:
    return ERROR in outcome.gave or any(reported for reported, _ in outcome.ends)


def _callers_run_at_once(stream: Stream, got: Outcome) -> bool:
    """Whether an exec was made before another one, which waited, had returned."""
    steps = stream.steps
    execs = [number for number, step in enumerate(steps) if step.kind == EXEC]
    waited = [(number, until) for number, until in got.until if number in execs]
    return any(number < other <= until for number, until in waited for other in execs)


class Judge:
    """An engine, and the reference beside it."""

    def __init__(self, engine: Engine, ground: Ground | None = None) -> None:
        """It is asked for its ground where there is none; what `asked` raises."""
        self.subject = Subject(engine, ground)
        self.oracle = Oracle(self.subject.arena, self.subject.ground)

    def judge(self, stream: Stream, seen: Seen | None = None) -> Judged:
        """Play a stream on both. Hang where a call does not return."""
        subject, oracle = self.subject, self.oracle
        fds = subject.fds(used=uses_pipes(stream))
        try:
            expected, late = self._expected(stream, fds, seen)
        except Unjudged as reason:
            return Judged(Judgement.UNJUDGED, str(reason))
        got = self._play(stream, late, expected)
        if comes_to(got, expected, late):
            return Judged(Judgement.SAME, "", expected, got)
        found = difference(stream, subject.arena, expected, got)
        among = oracle.allows(stream, fds, got, late)
        if among is Among.YES:
            return Judged(Judgement.ALLOWED, found, expected, got)
        enters_faults = subject.ground.enters_faults
        rule = broken(stream, subject.arena, expected, got, enters_faults=enters_faults)
        if rule and not oracle.is_left_open:
            return Judged(Judgement.FIND, rule, expected, got)
        if among is Among.NO and late and (_tells_errors(expected) or _tells_errors(got)):
            among = Among.TOO_MANY  # to whom of those that wait is not chosen
        if among is Among.NO and _callers_run_at_once(stream, got):
            among = Among.TOO_MANY  # nor how they take turns
        timed = late or uses_pipes(stream) or NULL_WORD in expected.gave or NULL_WORD in got.gave
        if among is Among.NO and (not timed or self._differs_patiently(stream, late)):
            return Judged(Judgement.FIND, found, expected, got)
        return Judged(Judgement.UNDECIDED, found, expected, got)

    def left_open(self, stream: Stream) -> str:
        """Why it is left open what the stream does in some order, of those that are tried: then
        what an engine makes of it, an end too, is not held against it. Empty where it is not.
        """
        fds = self.subject.fds(used=uses_pipes(stream))
        return self.oracle.left_open(stream, fds, BY_ATOMS, WITHIN_ATOMS)

    def reference_alone(self, stream: Stream, seen: Seen) -> bool:
        """Play a stream on the reference alone. Whether an engine would have been given it."""
        fds = self.subject.fds(used=uses_pipes(stream))
        try:
            self._expected(stream, fds, seen)
        except Unjudged:
            return False
        return True

    def _expected(
        self, stream: Stream, fds: tuple[int, ...], seen: Seen | None
    ) -> tuple[Outcome, frozenset[int]]:
        """What the reference gives; Unjudged where the engine is not to be given the stream."""
        expected, late = self.oracle.expected(stream, fds, seen)
        if len(late) > 1 and seen is not None:
            seen.begin()  # which of several callers goes on first is not the seed's
        if may_not_end(stream, expected):
            raise Unjudged("some order of its syslets may not end")
        if self.oracle.reached_kept and (why := self.oracle.left_open(stream, fds, BY_ATOMS)):
            raise Unjudged(why)
        return expected, late

    def _play(self, stream: Stream, late: frozenset[int], expected: Outcome) -> Outcome:
        subject = self.subject
        subject.let_go = frozenset(until for _, until in expected.until)
        return play(stream, subject.arena, subject, late=late, final=subject.ground.returns_final)

    def _differs_patiently(self, stream: Stream, late: frozenset[int]) -> bool:
        """Whether it never comes to an outcome that is allowed, however long it is given."""
        subject, used = self.subject, uses_pipes(stream)
        subject.patient = True
        try:
            for _ in range(PATIENT_PLAYS):
                fds = subject.fds(used=used)
                expected, _ = self.oracle.expected(stream, fds)
                got = self._play(stream, late, expected)
                if comes_to(got, expected, late):
                    return False
                if self.oracle.allows(stream, fds, got, late) is not Among.NO:
                    return False
        finally:
            subject.patient = False
        return True
