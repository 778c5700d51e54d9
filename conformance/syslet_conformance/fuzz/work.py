"""Batches as work that any executor can do: threads here, or the workers of a cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from syslet_conformance.fuzz.batch import STREAMS
from syslet_conformance.fuzz.judge import Judgement
from syslet_conformance.fuzz.worker import Ended, EndedWhenAsked, Worker
from syslet_conformance.fuzz.workers import Workers
from syslet_layouts import SysletError

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
    unasked: tuple[str, ...] = ()
    """Questions of `QUESTIONS` on which the engine ends or hangs."""


def open_worker(spec: Spec) -> Worker:
    """A new child for that spec. SysletError where its engine cannot be opened."""
    return Worker(spec.backend, spec.abi, sandboxed=spec.sandboxed, unasked=spec.unasked)


def first_worker(spec: Spec) -> tuple[Worker, Spec, dict[str, str]]:
    """A child, the spec with which others are opened, and what came of the questions on which the
    engine ends or hangs: they are asked here alone. SysletError where it cannot be opened.
    """
    ended_when_asked: dict[str, str] = {}
    while True:
        try:
            return open_worker(spec), spec, ended_when_asked
        except EndedWhenAsked as ended:
            if not ended.question:
                raise
            ended_when_asked[ended.question] = ended.how
            spec = replace(spec, unasked=(*spec.unasked, ended.question))


def _hunter(spec: Spec) -> Worker:
    worker = open_worker(spec)
    try:
        worker.ask({"do": "corpus", "streams": [stream.hex() for stream in spec.corpus]})
    except Ended:
        worker.close()
        raise
    return worker


_WORKERS = Workers(_hunter)


def _is_left_open(spec: Spec, stream: str) -> bool:
    try:
        return bool(_WORKERS.get(spec).ask({"do": "open", "stream": stream})["why"])
    except Ended:
        _WORKERS.drop()
        return False
    except SysletError:  # it cannot be opened again: the end is not lost for that
        return False


def run_batch(spec: Spec, number: int, streams: int) -> dict[str, Any]:
    """Play so many streams of a batch: counts, finds as (number, stream, difference, what the
    engine said as it ended), fresh streams, and how many ``streams`` were played.

    A stream in which the engine ends is a find, unless it is left open what it does, and the batch
    goes on behind it. Where the engine hangs, the batch is over: many streams may hang alike, and
    each takes long to be known; so it is where there is a find, and it cannot be opened again.
    SysletError where it cannot be opened, or the hunt was ended.
    """
    played, open_ends, finds = 0, 0, list[tuple[int, str, str, str]]()
    answer: dict[str, Any] = {"judgements": {}, "features": {}, "finds": [], "fresh": []}
    order = {"do": "batch", "seed": spec.seed, "batch": number, "streams": streams}
    while played < streams and len(finds) + open_ends < MOST_ENDS:
        try:
            answer = _WORKERS.get(spec).ask({**order, "start": played})
            played = answer["played"]
            break
        except Ended as ended:
            if _WORKERS.drop():
                raise SysletError("the hunt was ended") from None
            stream = ended.stream.hex()
            if _is_left_open(spec, stream):
                open_ends += 1
            else:
                finds.append((ended.number, stream, ended.how, ended.said))
            played = max(played, ended.number + 1)
            if ended.hung:
                break
        except SysletError:
            if not finds:
                raise
            break
    answer["finds"] = [*finds, *((*find, "") for find in answer["finds"])]
    answer["streams"] = played
    if open_ends:
        undecided = answer["judgements"].get(Judgement.UNDECIDED, 0)
        answer["judgements"][Judgement.UNDECIDED] = undecided + open_ends
    return answer


def end_workers(spec: Spec) -> None:
    """End the workers of that hunt in this process, those that play too."""
    _WORKERS.end(spec)
