"""What a stream may come to: the reference plays it, and where several outcomes are allowed it
plays them all."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from enum import StrEnum
from random import Random
from typing import NamedTuple

from syslet_conformance.fuzz.arena import Arena
from syslet_conformance.fuzz.ground import Ground
from syslet_conformance.fuzz.harmless import Unjudged
from syslet_conformance.fuzz.mirror import Blocks, Mirror
from syslet_conformance.fuzz.play import Differs, Outcome, comes_to, play
from syslet_conformance.fuzz.states import Been
from syslet_conformance.fuzz.stream import Stream
from syslet_conformance.interleavings import Choices
from syslet_reference.trace import Trace

AT_RANDOM = 12
"""How many interleavings are tried at random first, and before them the one in which
the caller goes on as far as it can: those that engines show are found so."""


class Grain(NamedTuple):
    """Where syslets take turns, and how many interleavings of one stream are tried in order."""

    finely: bool
    """Between loading, calling and storing as well; see `LeftOpen.play_with`."""
    most_runs: int
    most_s: float


BY_ATOMS = Grain(False, 150, 0.03)
"""What comes to most outcomes, and is tried of each stream that differs."""

WITHIN_ATOMS = Grain(True, 3000, 1.0)
"""What is tried before an outcome is held against an engine."""


class Among(StrEnum):
    """Whether an outcome is one of those that are allowed."""

    YES = "yes"
    NO = "no"
    TOO_MANY = "too many to be tried"


class Oracle:
    """The reference beside an engine's arena."""

    def __init__(self, arena: Arena, ground: Ground) -> None:
        self._arena, self._ground = arena, ground
        self._mirror = Mirror(arena, ground)
        self._most_late = 0
        self.is_left_open = False
        """Whether some order of those that `allows` tried is not judged."""

    def expected(
        self,
        stream: Stream,
        fds: tuple[int, ...],
        trace: Trace | None = None,
        late: frozenset[int] = frozenset(),
    ) -> tuple[Outcome, frozenset[int]]:
        """The outcome where each syslet runs on as far as it can, and the steps that block.

        Those that are `late` are known to: it is played and traced again for each that is not.
        Unjudged where what the stream does is left open, or has no end.
        """
        return self.played(stream, fds, None, trace, late=late)

    def played(
        self,
        stream: Stream,
        fds: tuple[int, ...],
        choices: Choices | None,
        trace: Trace | None = None,
        to: Outcome | None = None,
        been: set[Hashable] | None = None,
        late: frozenset[int] = frozenset(),
        *,
        finely: bool = False,
    ) -> tuple[Outcome, frozenset[int]]:
        """The outcome of one order, and the steps that block, `late` among them.

        It ends with Differs where a step gives something else than in `to`, and with Been at a
        state that is in `been`; for `finely` see `LeftOpen.play_with`.
        """
        while True:
            try:
                self._mirror.pipes_at(fds)
                self._mirror.play_with(choices, trace, been, finely=finely)
                return self._play(stream, late, choices, to), late
            except Blocks as blocks:
                if blocks.step is None:
                    raise Unjudged("a syslet that nothing lets go") from None
                late |= {blocks.step}
                self._most_late = max(self._most_late, len(late))

    def _play(
        self,
        stream: Stream,
        late: frozenset[int],
        choices: Choices | None,
        to: Outcome | None,
    ) -> Outcome:
        """One play, in the order that is chosen, or each syslet as far as it goes."""
        if choices is not None:
            choices.begin()
        try:
            return play(stream, self._arena, self._mirror, late=late, final=False, to=to)
        except BaseException as error:
            if not isinstance(error, Blocks | Differs | Been) or late:
                self._replace()
            raise

    def _replace(self) -> None:
        """What it was in the middle of is nobody's any more."""
        self._mirror.close()
        self._mirror = Mirror(self._arena, self._ground)

    def allows(
        self, stream: Stream, fds: tuple[int, ...], outcome: Outcome, late: frozenset[int]
    ) -> Among:
        """Whether some interleaving comes to that outcome; `late` are the steps of `expected`."""
        self._most_late, self.is_left_open = 0, False
        among = self._among(stream, fds, outcome, late, BY_ATOMS)
        if among is Among.NO:
            among = self._among(stream, fds, outcome, late, WITHIN_ATOMS)
        # Which of several callers goes on first, of those that one step lets go, is not chosen.
        return Among.TOO_MANY if among is Among.NO and self._most_late > 1 else among

    def _among(
        self,
        stream: Stream,
        fds: tuple[int, ...],
        outcome: Outcome,
        late: frozenset[int],
        grain: Grain,
    ) -> Among:
        for choices, been in self._orders(grain):
            try:
                if self._comes_to(outcome, stream, fds, choices, late, grain, been):
                    return Among.YES
            except Unjudged:
                self.is_left_open = True
                if been is not None:
                    return Among.TOO_MANY
        return Among.NO if self._were_all else Among.TOO_MANY

    @property
    def reached_kept(self) -> bool:
        """See `LeftOpen.reaches_kept`, of the order that was played last."""
        return self._mirror.reaches_kept

    def left_open(self, stream: Stream, fds: tuple[int, ...], *grains: Grain) -> str:
        """Why an order is not judged, of those that are tried; empty where each is."""
        for grain in grains:
            for choices, been in self._orders(grain):
                try:
                    self.played(stream, fds, choices, been=been, finely=grain.finely)
                except Unjudged as reason:
                    return str(reason)
                except Been:
                    pass
        return ""

    def _orders(self, grain: Grain) -> Iterator[tuple[Choices, set[Hashable] | None]]:
        """Orders at random, and then one by one, with the states of those before."""
        self._were_all = False
        until = time.thread_time() + grain.most_s
        random = Random(0)
        for number in range(1 + AT_RANDOM):
            yield Choices([random.getrandbits(8) if number else -1 for _ in range(64)]), None
        choices, been = Choices(), set[Hashable]()
        for _ in range(grain.most_runs):
            yield choices, been
            if not choices.advance():
                self._were_all = True
                return
            if time.thread_time() > until:
                return

    def _comes_to(
        self,
        outcome: Outcome,
        stream: Stream,
        fds: tuple[int, ...],
        choices: Choices,
        late: frozenset[int],
        grain: Grain,
        been: set[Hashable] | None,
    ) -> bool:
        """Whether this order does; it goes on no further than to where it differs."""
        try:
            order, _ = self.played(stream, fds, choices, to=outcome, been=been, finely=grain.finely)
        except (Differs, Been):
            return False
        return comes_to(outcome, order, late)
