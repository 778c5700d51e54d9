"""A batch of streams: the unit of work, determined by seed, number and corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from syslet_conformance.fuzz.coverage import Seen
from syslet_conformance.fuzz.generate import MUTATED, Generator
from syslet_conformance.fuzz.judge import Judge, Judged, Judgement
from syslet_conformance.fuzz.steering import Steering
from syslet_conformance.fuzz.stream import Stream, of_bytes, to_bytes

STREAMS = 500
"""How many streams a batch has."""

MOST_FINDS = 8
"""A batch with so many finds is over."""

OF_CORPUS = 0.5
"""How often a mutated stream is one of the corpus, where there is one."""


@dataclass(slots=True)
class Found:
    """A find: which stream of the batch, its bytes, and how it differs."""

    number: int
    stream: bytes
    difference: str


@dataclass(slots=True)
class Result:
    """What came of a batch: counts of judgements and features, finds, and what reached more."""

    played: int = 0
    """The streams up to the last one that was played: all, but where there were many finds."""
    judgements: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    finds: list[Found] = field(default_factory=list)
    fresh: list[bytes] = field(default_factory=list)
    """Streams that reached what none before them in the batch did."""


def run(
    judge: Judge,
    seed: str,
    number: int,
    corpus: Sequence[bytes],
    *,
    start: int = 0,
    streams: int = STREAMS,
    before: Callable[[int, bytes], None] | None = None,
) -> Result:
    """Play a batch, from stream `start` on; `before` is told of each that the engine is given.

    The streams before `start` are drawn, and played on the reference alone, so that those after
    them are what they would have been.
    """
    random = Random(f"{seed}:{number}")
    generator, steering = Generator(random), Steering(random)
    seen = Seen(judge.subject.arena)
    result = Result()
    for index in range(streams):
        theme = steering.next_theme()
        stream = _draw(generator, random, theme, corpus)
        seen.begin()
        if index < start:
            is_judged = judge.reference_alone(stream, seen)
            steering.saw(theme, seen.features if is_judged else set())
            continue
        if before is not None:
            before(index, to_bytes(stream))
        judged = judge.judge(stream, seen)
        features = set() if judged.judgement is Judgement.UNJUDGED else seen.features
        fresh = any(not steering.counted[feature] for feature in features)
        steering.saw(theme, features)
        _note(result, judged, index, stream, fresh=fresh)
        result.played = index + 1
        if len(result.finds) == MOST_FINDS:
            break
    result.features = steering.counted
    return result


def _draw(generator: Generator, random: Random, theme: int, corpus: Sequence[bytes]) -> Stream:
    if theme == MUTATED and corpus and random.random() < OF_CORPUS:
        return generator.mutated(of_bytes(corpus[int(random.random() * len(corpus))]))
    return generator.draw(theme)


def _note(result: Result, judged: Judged, index: int, stream: Stream, *, fresh: bool) -> None:
    result.judgements[judged.judgement] += 1
    if judged.judgement is Judgement.FIND:
        result.finds.append(Found(index, to_bytes(stream), judged.difference))
    elif fresh:
        result.fresh.append(to_bytes(stream))
