"""Streams: their bytes, the arena they lie in, what they reach, batches of them."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from fuzz_streams import A0, A1, EXEC_READ, ONE, PLAIN, READS, adds, judge_of
from hypothesis import given
from hypothesis import strategies as st
from mutants.engine import Mutant

from syslet_conformance.backends import reference
from syslet_conformance.fuzz import batch
from syslet_conformance.fuzz.arena import (
    ARENA_BYTES,
    CALLS,
    OF_ENDS,
    OF_POINTERS,
    OF_SCRATCH,
    PAGE_BYTES,
    PLACES,
    READ,
    Arena,
    Place,
    labels,
)
from syslet_conformance.fuzz.coverage import EXPECTED, REQUIREMENTS, Seen
from syslet_conformance.fuzz.generate import THEMES, Generator
from syslet_conformance.fuzz.judge import Judge, Judgement
from syslet_conformance.fuzz.steering import Steering
from syslet_conformance.fuzz.strategies import streams
from syslet_conformance.fuzz.stream import (
    EXEC,
    FEED,
    MOST_STREAM_BYTES,
    Drawn,
    Step,
    Stream,
    image,
    of_bytes,
    to_bytes,
)
from syslet_conformance.registry import REQUIREMENTS as REGISTRY
from syslet_layouts import ABIS, Abi, Flag, decode_atom, decode_head, decode_words

NUMBERS_OF_CALLS = {name: 100 + i for i, name in enumerate(CALLS)}
ABI_NAMES = list(ABIS)


@pytest.fixture(params=ABI_NAMES)
def abi(request: pytest.FixtureRequest) -> Abi:
    return ABIS[request.param]


# -- bytes ------------------------------------------------------------------------------


@given(st.binary(max_size=MOST_STREAM_BYTES + 20))
def test_any_bytes_are_a_stream_whose_bytes_lead_back_to_it(data: bytes) -> None:
    stream = of_bytes(data)
    assert of_bytes(to_bytes(stream)) == stream
    assert len(to_bytes(stream)) <= MOST_STREAM_BYTES


@given(streams())
def test_what_hypothesis_draws_is_a_stream(stream: Stream) -> None:
    assert of_bytes(to_bytes(stream)) == stream


@pytest.mark.parametrize("theme", range(len(THEMES)), ids=THEMES)
def test_every_theme_draws_streams_and_the_same_ones_by_the_same_seed(theme: int) -> None:
    def draw() -> list[Stream]:
        generator = Generator(Random(3))
        return [generator.draw(theme) for _ in range(200)]

    drawn = draw()
    assert draw() == drawn
    assert all(of_bytes(to_bytes(stream)) == stream for stream in drawn)
    assert len(set(drawn)) > 190


# -- the arena --------------------------------------------------------------------------


def test_nothing_in_the_arena_lies_over_something_else(abi: Abi) -> None:
    at = labels(abi)
    assert at["n0"] == 0
    assert at["c"] < PAGE_BYTES < at["c"] + abi.atom_size < at["a0"]
    assert at["a7"] + abi.atom_size == ARENA_BYTES
    sizes = {"r": 4 * abi.word_bytes, "h": abi.head_size, "s": 8 * abi.word_bytes}
    ends = sorted((start, label) for label, start in at.items())
    for (start, label), (following, _) in pairwise(ends):
        size = abi.atom_size if label[0] in "ac" and "." not in label else abi.word_bytes
        size = sizes.get(label[0], size) if label != "bad" else abi.word_bytes
        assert start + size <= following, label


def test_an_image_has_each_thing_at_its_place(abi: Abi) -> None:
    arena = Arena(abi, 0x10000, NUMBERS_OF_CALLS)
    atom = Drawn(A1, int(Flag.SYNC), READ, OF_SCRATCH[1], A0, (OF_ENDS[0], OF_POINTERS[0]), ONE)
    stream = PLAIN._replace(slots=(3, 1), atoms=(atom,))
    data = bytes(image(stream, arena, (7, 8, 9, 10)))
    assert len(data) == ARENA_BYTES
    at = labels(abi)
    word = abi.word_bytes
    assert decode_words(abi, data[: 6 * word]) == [1] * 6
    assert decode_words(abi, data[at["p0"] : at["p0"] + word]) == [0x10000 + at["s"]]
    assert decode_words(abi, data[at["a.read"] : at["bad"]]) == [7, 8, 9, 10]
    assert decode_words(abi, data[at["bad"] : at["bad"] + word]) == [abi.word_mask]
    head = decode_head(abi, data[at["h0"] : at["h0"] + abi.head_size])
    assert (head.completion_ring, head.ring_size_bytes) == (0x10000 + at["r0"], 3 * word)
    found = decode_atom(abi, data[at["a1"] : at["a1"] + abi.atom_size])
    assert (found.flags, found.nr) == (Flag.SYNC, NUMBERS_OF_CALLS["read"])
    assert found.ret_ptr == 0x10000 + at["s"] + word
    assert found.next == 0x10000 + at["a0"]
    assert (found.arg_ptr0, found.arg_ptr1) == (0x10000 + at["a.read"], 0x10000 + at["p0"])
    assert (found.arg_ptr2, found.private) == (0, 1)


def test_a_packed_atom_ends_with_the_arena(abi: Abi) -> None:
    place = PLACES.index(Place("", "packed", number=2))
    arena = Arena(abi, 0x10000, NUMBERS_OF_CALLS)
    packed = abi.atom_offsets["arg_ptr[2]"] + abi.word_bytes
    assert arena.addresses[place] + packed == 0x10000 + ARENA_BYTES


# -- coverage, steering, batches --------------------------------------------------------


def test_every_feature_is_reached_and_is_about_requirements_that_there_are() -> None:
    judge = judge_of(ABIS["lp64-le"])
    reached: set[str] = set()
    for number in range(8):
        reached |= set(batch.run(judge, "coverage", number, []).features)
    assert set(EXPECTED) - reached == set()
    known = set(REGISTRY)
    assert {id_ for ids in REQUIREMENTS.values() for id_ in ids} <= known


def test_what_is_rare_is_steered_to() -> None:
    """A theme that alone reaches what is rare comes more often than one that does not."""
    steering = Steering(Random(1))
    for _ in range(50):
        for theme in range(len(THEMES)):
            steering.saw(theme, {"common"})
    for number in range(50):
        steering.saw(4, {f"rare {number}"})
    drawn = [steering.next_theme() for _ in range(2000)]
    assert drawn.count(4) > 2 * drawn.count(5)
    assert set(drawn) == set(range(len(THEMES)))


def test_a_batch_is_the_same_by_the_same_seed_and_from_any_stream_on() -> None:
    judge = judge_of(ABIS["lp64-le"])
    seen: list[list[bytes]] = []
    for start in (0, 0, 20):
        played: list[bytes] = []

        def before(number: int, stream: bytes, played: list[bytes] = played) -> None:
            del number
            played.append(stream)

        batch.run(judge, "again", 3, [], start=start, streams=60, before=before)
        seen.append(played)
    assert seen[0] == seen[1]
    assert seen[2] == seen[0][20:]
    assert len(seen[0]) == 60


class _SaysOneMore(Mutant):
    """An exec returns one more than it should, whatever it ran."""

    def _exec(self, atom: int, head: int) -> int:
        return super()._exec(atom, head) + 1


def test_a_batch_that_is_over_counts_what_was_played() -> None:
    result = batch.run(Judge(_SaysOneMore(ABIS["ilp32-le"])), "many", 0, [])
    assert len(result.finds) == batch.MOST_FINDS
    assert result.played == result.finds[-1].number + 1 < batch.STREAMS
    assert sum(result.judgements.values()) == result.played


def test_a_corpus_is_drawn_from() -> None:
    judge = judge_of(ABIS["lp64-le"])
    marked = to_bytes(PLAIN._replace(numbers=(9,) * 6, atoms=(adds(A0),), steps=(Step(EXEC, A0),)))
    played: list[bytes] = []
    batch.run(judge, "x", 0, [marked], streams=300, before=lambda _, data: played.append(data))
    nines = sum(of_bytes(data).numbers.count(9) >= 5 for data in played)
    assert nines > 3


def test_the_reference_backend_can_be_judged_through_the_contract() -> None:
    engine = reference().open(ABIS["fixed64-le"])
    assert Judge(engine).judge(PLAIN).judgement is Judgement.SAME


def test_a_seen_stream_counts_what_its_trace_holds() -> None:
    judge = judge_of(ABIS["lp64-le"])
    seen = Seen(judge.subject.arena)
    stream = PLAIN._replace(
        atoms=(adds(A0, flags=int(Flag.STOP_ON_ZERO | Flag.SKIP_TO_NEXT_ON_STOP)),),
        steps=(Step(EXEC, A0),),
    )
    judge.judge(stream, seen)
    assert seen.features == {
        "flag STOP_ON_ZERO",
        "flag SKIP_TO_NEXT_ON_STOP",
        "flags STOP_ON_ZERO+SKIP_TO_NEXT_ON_STOP",
        "call umem_add",
        "call positive",
        "stop STOP_ON_ZERO on positive",
        "way argument",
        "way stored",
        "way end at next NULL",
        "way cached",
    }


def test_what_several_callers_reach_at_once_is_not_counted() -> None:
    """Which of them goes on first is not the seed's, and the count steers the next ones."""
    waits = READS._replace(flags=int(Flag.SYNC))
    one = PLAIN._replace(atoms=(waits,), steps=(EXEC_READ, Step(FEED, 0, 1)))
    judge = judge_of(ABIS["lp64-le"])
    seen = Seen(judge.subject.arena)
    judge.judge(one, seen)
    assert "flag SYNC" in seen.features
    seen.begin()
    judge.judge(one._replace(steps=(EXEC_READ, EXEC_READ, *one.steps[1:])), seen)
    assert seen.features == set()
