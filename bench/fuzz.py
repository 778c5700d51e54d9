"""How fast the hunt plays streams on the native engine.

``python bench/fuzz.py [REPEATS]`` prints the median of ratios of runs made in turn, and
the least and the greatest:

- differential streams of up to 8 atoms a second, drawn by the generator, to the same test driven by
  Hypothesis example by example, both in this process, on one core (goal: 10 or more). A stream that
  is not judged is none: the engine is not given it;
- the generator's share of that time (goal: under 0.25);
- the streams that `--jobs 2` plays a second to those of one job (goal: 1.7).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from syslet_conformance.backends import backend_named
from syslet_conformance.fuzz import batch
from syslet_conformance.fuzz.campaign import Campaign, Limits
from syslet_conformance.fuzz.corpus import State
from syslet_conformance.fuzz.generate import THEMES, Generator
from syslet_conformance.fuzz.judge import Judge, Judgement
from syslet_conformance.fuzz.sandbox import why_not
from syslet_conformance.fuzz.strategies import streams
from syslet_conformance.fuzz.stream import Stream
from syslet_conformance.fuzz.work import Spec, end_workers
from syslet_layouts import ABIS

BATCHES = 6
EXAMPLES = 400
ABI = "lp64-le"


def by_generator(judge: Judge, repeat: int) -> float:
    """Seconds a stream that both sides played."""
    start, played = time.perf_counter(), 0
    for number in range(BATCHES):
        result = batch.run(judge, "bench", repeat * BATCHES + number, [])
        assert not result.finds, result.finds
        played += result.played - result.judgements[Judgement.UNJUDGED]
    return (time.perf_counter() - start) / played


def by_hypothesis(judge: Judge) -> float:
    """Seconds a stream that both sides played."""
    played = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(streams())
    def differs(stream: Stream) -> None:
        nonlocal played
        judgement = judge.judge(stream).judgement
        played += judgement is not Judgement.UNJUDGED
        assert judgement is not Judgement.FIND

    start = time.perf_counter()
    differs()
    return (time.perf_counter() - start) / played


def generator_alone() -> float:
    """Seconds a stream."""
    from random import Random

    generator, count = Generator(Random(1)), 20_000
    start = time.perf_counter()
    for number in range(count):
        generator.draw(number % len(THEMES))
    return (time.perf_counter() - start) / count


def by_jobs(jobs: int, seed: str) -> float:
    """Streams a second of a hunt whose engines are open."""
    sandboxed = not why_not()
    spec = Spec("native", ABI, seed, sandboxed)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as executor:
        warm = Campaign(spec, State("native", ABI, seed), Path(folder))
        warm.run(executor, jobs + 1, Limits(streams=jobs * batch.STREAMS))
        campaign = Campaign(spec, State("native", ABI, seed, next_batch=100), Path(folder))
        start = time.perf_counter()
        campaign.run(executor, jobs + 1, Limits(streams=16 * batch.STREAMS))
        rate = 16 * batch.STREAMS / (time.perf_counter() - start)
    end_workers(spec)
    return rate


def main() -> None:
    """Print the table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    ratios, shares, rates = [], [], []
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    judge = Judge(backend_named("native", [ABI]).open(ABIS[ABI]))
    for repeat in range(repeats):
        ours, theirs = by_generator(judge, repeat), by_hypothesis(judge)
        ratios.append(theirs / ours)
        shares.append(generator_alone() / ours)
        rates.append(1 / ours)
    os.sched_setaffinity(0, cores)
    jobs = [
        by_jobs(2, f"bench{repeat}") / by_jobs(1, f"bench{repeat}") for repeat in range(repeats)
    ]
    _say("streams a second, generator / Hypothesis", ratios)
    _say("the generator's share of the time", shares)
    _say("streams a second, two jobs / one", jobs)
    _say("those streams a second, by the generator", rates)


def _say(what: str, values: list[float]) -> None:
    median = statistics.median(values)
    print(f"{what:42} {median:8.2f}  ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
