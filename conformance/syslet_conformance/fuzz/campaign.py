"""A hunt: batches are given to an executor, and what they find is shrunk, repeated and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis.database import ExampleDatabase

from syslet_conformance.fuzz.corpus import Corpus, State
from syslet_conformance.fuzz.finds import Find, kind_of, save
from syslet_conformance.fuzz.finishing import finished
from syslet_conformance.fuzz.stream import of_bytes, to_bytes
from syslet_conformance.fuzz.work import Spec, run_batch

LOOK_S = 0.2
"""How often progress is told, at least."""


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
        self.spec, self.hunt = spec, Hunt(state)
        self._finds, self._corpus, self._database, self.tell = finds, corpus, database, tell
        self._most_finds: int | None = None

    @property
    def index_key(self) -> bytes:
        """Where the database keeps the streams of finds, whoever made them."""
        return f"syslet-fuzz {self.spec.abi}".encode()

    def play_known(self) -> None:
        """Play what others found, and their database kept."""
        if self._database is None:
            return
        for data in sorted(self._database.fetch(self.index_key)):
            self._found(-1, 0, data, "known")

    def run(self, executor: Executor, in_flight: int, limits: Limits) -> None:
        """Hunt until a limit is reached. SysletError where the engine cannot be opened."""
        self._most_finds = limits.finds
        until = None if limits.time_s is None else time.monotonic() + limits.time_s
        state, futures = self.hunt.state, dict[Future[dict[str, Any]], int]()
        answers: dict[int, dict[str, Any]] = {}
        ordered, number = 0, state.next_batch
        try:
            while True:
                over = until is not None and time.monotonic() >= until
                over |= limits.streams is not None and ordered >= limits.streams
                over |= self._enough()
                while not over and len(futures) < in_flight:
                    streams = self.spec.streams
                    if limits.streams is not None:
                        streams = min(streams, limits.streams - ordered)
                    spec = replace(self.spec, streams=streams)
                    futures[executor.submit(run_batch, spec, number)] = number
                    number, ordered = number + 1, ordered + streams
                    over = limits.streams is not None and ordered >= limits.streams
                if not futures:
                    break
                for future in wait(futures, LOOK_S, FIRST_COMPLETED).done:
                    batch = futures.pop(future)
                    answers[batch] = future.result()
                    self._note_finds(batch, answers[batch])
                while state.next_batch in answers:
                    self._count(answers.pop(state.next_batch))
                self.tell(self.hunt)
        finally:
            for future in futures:
                future.cancel()

    def _enough(self) -> bool:
        most = self._most_finds
        return most is not None and len(self.hunt.finds) >= most

    def _count(self, answer: dict[str, Any]) -> None:
        """Count the next batch, in the order of their numbers: so a hunt goes on where it was."""
        state = self.hunt.state
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

    def _note_finds(self, batch: int, answer: dict[str, Any]) -> None:
        for number, stream, difference in answer["finds"]:
            if self._enough():
                break
            self._found(batch, number, bytes.fromhex(stream), difference)

    def _found(self, batch: int, number: int, data: bytes, difference: str) -> None:
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
        known = batch < 0
        if not known:
            self.hunt.finds[key] = find, save(find, self._finds, {})
            self.tell(self.hunt)
        made = finished(find, self.spec, self._database)
        if made is None:
            return
        find, files = made
        key = kind_of(find.difference)
        if known and key in self.hunt.finds:
            return
        self.hunt.finds[key] = find, save(find, self._finds, files)
        if self._database is not None:
            self._database.save(self.index_key, to_bytes(find.stream))
        self.tell(self.hunt)
