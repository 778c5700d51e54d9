"""Batches as work that any executor can do: threads here, or the workers of a cluster."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syslet_conformance.fuzz.batch import STREAMS
from syslet_conformance.fuzz.worker import Ended, Worker

MOST_ENDS = 8
"""A batch in which the engine ended so often is over."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What is hunted, and how: the same on every machine that takes part."""

    backend: str
    abi: str
    seed: str
    sandboxed: bool
    corpus: tuple[bytes, ...] = ()
    streams: int = STREAMS
    """How many streams a batch has."""


class Workers:
    """One worker a thread, kept from one batch to the next."""

    def __init__(self) -> None:
        self._kept = threading.local()

    def get(self, spec: Spec) -> Worker:
        """The thread's worker for that spec. SysletError where its engine cannot be opened."""
        if getattr(self._kept, "spec", None) != spec:
            self.drop()
            worker = open_worker(spec)
            worker.ask({"do": "corpus", "streams": [stream.hex() for stream in spec.corpus]})
            self._kept.worker, self._kept.spec = worker, spec
        worker = self._kept.worker
        assert isinstance(worker, Worker)
        return worker

    def drop(self) -> None:
        """End the thread's worker."""
        worker = getattr(self._kept, "worker", None)
        if worker is not None:
            worker.close()
        self._kept.worker = self._kept.spec = None


_WORKERS = Workers()


def open_worker(spec: Spec) -> Worker:
    """A new child for that spec. SysletError where its engine cannot be opened."""
    directory = Path(tempfile.gettempdir())
    return Worker(spec.backend, spec.abi, directory, sandboxed=spec.sandboxed)


def run_batch(spec: Spec, number: int) -> dict[str, Any]:
    """Play a batch: counts, finds as (number, stream, difference), and fresh streams.

    Where the engine ends in a stream that is a find, and the batch goes on behind it. Where it
    hangs, the batch is over: many streams may hang alike, and each takes long to be known.
    """
    start, finds = 0, list[tuple[int, str, str]]()
    answer: dict[str, Any] = {"judgements": {}, "features": {}, "finds": [], "fresh": []}
    order = {"do": "batch", "seed": spec.seed, "batch": number, "streams": spec.streams}
    while start < spec.streams and len(finds) < MOST_ENDS:
        try:
            answer = _WORKERS.get(spec).ask({**order, "start": start})
            break
        except Ended as ended:
            _WORKERS.drop()
            finds.append((ended.number, ended.stream.hex(), ended.how))
            if ended.hung:
                break
            start = ended.number + 1
    answer["finds"] = [*finds, *map(tuple, answer["finds"])]
    answer["streams"] = spec.streams
    return answer


def end_worker() -> None:
    """End the worker of this thread."""
    _WORKERS.drop()
