"""A hunt: batches are given to an executor, and what they find is shrunk, repeated and kept."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis.database import ExampleDatabase

from syslet_conformance.fuzz.corpus import Corpus, State
from syslet_conformance.fuzz.finds import KNOWN, SAID, Find, kind_of, save
from syslet_conformance.fuzz.finishing import TRIES, Player, finished
from syslet_conformance.fuzz.interrupt import Interrupt
from syslet_conformance.fuzz.stream import of_bytes, to_bytes
from syslet_conformance.fuzz.work import Spec, run_batch

LOOK_S = 0.2
"""How often progress is told, at least."""

END_S = 60.0
"""How long what is being played may go on when the time is over."""


@dataclass(slots=True)
class Limits:
    """When a hunt ends: after that time, so many streams, or so many different finds."""

    time_s: float | None = None
    streams: int | None = None
    finds: int | None = None


@dataclass(slots=True)
class Hunt:
    """What came of a hunt so far."""

    state: State
    since: float = field(default_factory=time.monotonic)
    streams: int = 0
    finds: dict[str, tuple[Find, Path]] = field(default_factory=dict)
    """By their difference: the find and its directory."""
    again: int = 0
    """Finds that differ as one before them did."""

    @property
    def streams_a_second(self) -> float:
        """Of this run alone."""
        return self.streams / max(time.monotonic() - self.since, 1e-9)


class Campaign:
    """Hunts one engine."""

    def __init__(
        self,
        spec: Spec,
        state: State,
        finds: Path,
        *,
        corpus: Corpus | None = None,
        database: ExampleDatabase | None = None,
        tell: Callable[[Hunt], object] = id,
    ) -> None:
        self.spec, self.hunt, self.interrupt = spec, Hunt(state), Interrupt()
        self._finds, self._corpus, self._database, self.tell = finds, corpus, database, tell
        self._most_finds: int | None = None

    @property
    def index_key(self) -> bytes:
        """Where the database keeps the streams of finds, whoever made them."""
        return f"syslet-fuzz {self.spec.abi}".encode()

    def play_known(self) -> None:
        """Play what others found, and their database kept: those that show here are finds."""
        known = [] if self._database is None else sorted(self._database.fetch(self.index_key))
        if not known:
            return
        player = Player(self.spec)
        try:
            for data in known:
                with self.interrupt.at_once():
                    seen = player.differences(of_bytes(data), TRIES)
                if seen:
                    self._found(KNOWN, 0, data, seen.most_common(1)[0][0])
        finally:
            player.close()

    def run(self, executor: Executor, in_flight: int, limits: Limits) -> None:
        """Hunt until a limit is reached. SysletError where the engine cannot be opened;
        KeyboardInterrupt where `interrupt` came.

        What comes of the batches is taken in their order, whichever is played first: so what is
        counted and found does not depend on the executor.
        """
        self._most_finds = limits.finds
        until = math.inf if limits.time_s is None else time.monotonic() + limits.time_s
        left = limits.streams
        state, futures = self.hunt.state, deque[Future[dict[str, Any]]]()
        try:
            while time.monotonic() < until + END_S:
                self.interrupt.check()
                over = time.monotonic() >= until or self._enough()
                playing = [future for future in futures if not future.done()]
                if not over and left != 0 and len(playing) < in_flight:
                    streams = self.spec.streams if left is None else min(self.spec.streams, left)
                    left = None if left is None else left - streams
                    number = state.next_batch + len(futures)
                    futures.append(executor.submit(run_batch, self.spec, number, streams))
                    continue
                if not futures:
                    break
                if not futures[0].done():
                    wait(playing, LOOK_S, FIRST_COMPLETED)
                while futures and futures[0].done():
                    self._take(futures[0].result())
                    futures.popleft()
                self.tell(self.hunt)
        finally:
            for future in futures:
                future.cancel()

    def _enough(self) -> bool:
        most = self._most_finds
        return most is not None and len(self.hunt.finds) >= most

    def _take(self, answer: dict[str, Any]) -> None:
        """Take what came of the next batch; where that is cut short, the batch is played again."""
        state = self.hunt.state
        batch = state.next_batch
        for number, stream, difference, said in answer["finds"]:
            if self._enough():
                break
            self._found(batch, number, bytes.fromhex(stream), difference, said)
        self.hunt.streams += answer["streams"]
        state.streams += answer["streams"]
        state.next_batch += 1
        state.judgements.update(answer["judgements"])
        new = set(answer["features"]) - set(state.features)
        state.features.update(answer["features"])
        if self._corpus is not None:
            if new:
                for stream in answer["fresh"]:
                    self._corpus.add(bytes.fromhex(stream))
            self._corpus.keep_state(state)

    def _found(self, batch: int, number: int, data: bytes, difference: str, said: str = "") -> None:
        """Keep a find at once, then make it small, and keep it so."""
        key = kind_of(difference)
        if key in self.hunt.finds:
            self.hunt.again += 1
            return
        find = Find(
            backend=self.spec.backend,
            abi=self.spec.abi,
            engine="",
            seed=self.spec.seed,
            batch=batch,
            number=number,
            difference=difference,
            stream=of_bytes(data),
        )
        first = {SAID: said} if said else {}
        self.hunt.finds[key] = find, save(find, self._finds, first)
        self.tell(self.hunt)
        with self.interrupt.at_once():
            find, files = finished(find, self.spec, self._database)
        self.hunt.finds[key] = find, save(find, self._finds, first | files)
        if self._database is not None:
            self._database.save(self.index_key, to_bytes(find.stream))
        self.tell(self.hunt)
