"""Streams, the arena they lie in, and the judge: what is drawn, what it comes to, what is not held
against an engine."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable
from itertools import pairwise
from random import Random

import pytest
from fuzz_python_mutants import CountsFromTheDescriptor, OneFewerOfSeveral
from hypothesis import given
from hypothesis import strategies as st
from mutants.arguments import RUN
from mutants.engine import Mutant
from mutants.rewritten import rewritten

from syslet_conformance.backends import EmbeddedEngine, reference
from syslet_conformance.fuzz import batch, oracle
from syslet_conformance.fuzz.arena import (
    ARENA_BYTES,
    CALLS,
    CODE,
    NO_HEAD,
    NOWHERE,
    NUMBERS,
    OF_ENDS,
    OF_NUMBERS,
    OF_POINTERS,
    OF_SCRATCH,
    PAGE_BYTES,
    PLACES,
    Arena,
    Place,
    labels,
)
from syslet_conformance.fuzz.coverage import EXPECTED, REQUIREMENTS, Seen
from syslet_conformance.fuzz.generate import THEMES, Generator
from syslet_conformance.fuzz.harmless import Unjudged
from syslet_conformance.fuzz.judge import Judge, Judgement
from syslet_conformance.fuzz.play import NULL_WORD, SUBMITTED, Outcome, uses_pipes
from syslet_conformance.fuzz.rules import may_not_end
from syslet_conformance.fuzz.shrink import shrunk
from syslet_conformance.fuzz.states import Been
from syslet_conformance.fuzz.steering import Steering
from syslet_conformance.fuzz.strategies import streams
from syslet_conformance.fuzz.stream import (
    CONSUME,
    EMPTY,
    EXEC,
    FEED,
    FILL,
    MOST_STREAM_BYTES,
    STORE,
    WAIT,
    WAITS,
    Drawn,
    Step,
    Stream,
    image,
    of_bytes,
    to_bytes,
)
from syslet_conformance.fuzz.telling import wanted
from syslet_conformance.interleavings import Choices
from syslet_conformance.registry import REQUIREMENTS as REGISTRY
from syslet_layouts import ABIS, Abi, Flag, decode_atom, decode_head, decode_words
from syslet_reference.syslet import Pause, Syslet

NUMBERS_OF_CALLS = {name: 100 + i for i, name in enumerate(CALLS)}
ABI_NAMES = list(ABIS)
UMEM_ADD, GETPID, READ, WRITE = map(CALLS.index, ("umem_add", "getpid", "read", "write"))
A0, A1 = CODE[0], CODE[1]
ZERO, ONE, TWO = (NUMBERS.index(number) for number in (0, 1, 2))
READS = Drawn(A0, 0, READ, 0, 0, (OF_ENDS[0], OF_POINTERS[0], OF_NUMBERS[0]))
OF_NOWHERE = PLACES.index(Place("", number=NOWHERE))
PLAIN = Stream((2, 2), (ONE,) * 6, (OF_SCRATCH[0],) * 4, (), ())


@pytest.fixture(params=ABI_NAMES)
def abi(request: pytest.FixtureRequest) -> Abi:
    return ABIS[request.param]


def judge_of(abi: Abi, engine: type[EmbeddedEngine] = EmbeddedEngine) -> Judge:
    return Judge(engine(abi))


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


# -- judging ----------------------------------------------------------------------------


def adds(at: int, *, flags: int = 0, next: int = 0) -> Drawn:
    """umem_add(&s, 1), the result into s[1]."""
    return Drawn(at, flags, UMEM_ADD, OF_SCRATCH[1], next, (OF_POINTERS[0], OF_NUMBERS[0]))


def test_the_reference_is_the_same_as_itself_in_every_theme(abi: Abi) -> None:
    judge = judge_of(abi)
    generator = Generator(Random(1))
    for number in range(len(THEMES) * 12):
        judged = judge.judge(generator.draw(number % len(THEMES)))
        assert judged.judgement is not Judgement.FIND, judged.difference


def test_an_outcome_is_what_the_requirements_say(abi: Abi) -> None:
    """By hand: the first runs cached, the second asynchronously; s is 2 then, s[1] too."""
    stream = PLAIN._replace(
        atoms=(adds(A0), adds(A1, flags=int(Flag.ASYNC))),
        steps=(Step(EXEC, A0), Step(EXEC, A1), Step(WAIT, 0), Step(CONSUME, 0)),
    )
    judge = judge_of(abi)
    judged = judge.judge(stream)
    assert judged.judgement is Judgement.SAME
    assert judged.expected is not None
    second = judge.subject.arena.addresses[A1]
    assert judged.expected.gave == (SUBMITTED, NULL_WORD, 0, (second,))
    assert judged.expected.ends == ((0, ()), (0, ()))
    at = labels(abi)["s"]
    words = decode_words(abi, judged.expected.memory[at : at + 2 * abi.word_bytes])
    assert words == [2, 2]


def test_a_stream_with_a_call_that_does_harm_is_not_given_to_the_engine() -> None:
    abi = ABIS["lp64-le"]
    stream = PLAIN._replace(
        atoms=(adds(A0),),
        steps=(Step(STORE, PLACES.index(Place("a0", "nr")), TWO), Step(EXEC, A0)),
    )

    class Watched(EmbeddedEngine):
        executed = 0

        def exec(self, atom: int, head: int) -> int:
            Watched.executed += 1
            return super().exec(atom, head)

    judge = judge_of(abi, Watched)
    asked = Watched.executed
    judged = judge.judge(stream)
    assert judged.judgement is Judgement.UNJUDGED
    assert judged.difference == "call 2 is none of those that are harmless"
    assert Watched.executed == asked


def test_a_loop_without_an_end_is_not_given_to_the_engine(abi: Abi) -> None:
    stream = PLAIN._replace(atoms=(adds(A0, next=A0),), steps=(Step(EXEC, A0),))
    judged = judge_of(abi).judge(stream)
    assert (judged.judgement, judged.difference) == (
        Judgement.UNJUDGED,
        "a syslet of too many atoms",
    )


def test_loops_beside_other_syslets_may_not_end() -> None:
    asynchronous = adds(A0, next=A0, flags=int(Flag.ASYNC | Flag.STOP_ON_NONZERO))
    judge = judge_of(ABIS["lp64-le"])
    one = PLAIN._replace(atoms=(asynchronous,), steps=(Step(EXEC, A0), Step(WAIT, 0)))
    assert judge.judge(one).judgement is Judgement.SAME
    two = one._replace(steps=(Step(EXEC, A0), Step(EXEC, A0)))
    assert judge.judge(two).judgement is Judgement.UNJUDGED
    expected = judge.judge(one).expected
    assert expected is not None
    assert may_not_end(two, expected)
    assert not may_not_end(one, expected)


def test_another_order_of_syslets_that_are_let_go_together_is_allowed() -> None:
    """Two readers block; whoever of them is first in the ring, both orders are allowed."""
    abi = ABIS["lp64-le"]

    class OtherWayRound(EmbeddedEngine):
        def _settle(self, *, caller_may_go_on: bool = True) -> None:
            self._runnable.reverse()
            super()._settle(caller_may_go_on=caller_may_go_on)

    stream = PLAIN._replace(
        atoms=(READS, READS._replace(at=A1)),
        steps=(Step(EXEC, A0), Step(EXEC, A1), Step(FEED, 0, 1), Step(WAIT, 2), Step(CONSUME, 0)),
    )
    judged = judge_of(abi, OtherWayRound).judge(stream)
    assert judged.judgement is Judgement.ALLOWED


class PostsNothingOfTwo(EmbeddedEngine):
    """What ends while another one is pending leaves nothing, and is forgotten."""

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        if self._heads[syslet.head].pending > 1:
            return 0, 0
        return super()._post(syslet)


def test_a_lost_completion_is_a_find_whatever_the_order() -> None:
    stream = PLAIN._replace(
        atoms=(READS,),
        steps=(Step(EXEC, A0), Step(EXEC, A0), Step(FEED, 0, 3)),
    )
    judged = judge_of(ABIS["ilp32-be"], PostsNothingOfTwo).judge(stream)
    assert judged.judgement is Judgement.FIND
    assert judged.difference == "fewer completions than syslets that went asynchronous"


class RefusesOddArguments(Mutant):
    """An argument that is not aligned is a fault, which an engine may make of it."""

    def aligned(self, pointer: int) -> int:
        """The pointer. KeyError, which is a fault, where it is not aligned."""
        if pointer % self.abi.word_bytes:
            raise KeyError(pointer)
        return pointer

    _run = rewritten(RUN, ("pages[pointer >>", "pages[self.aligned(pointer) >>"))


def test_an_engine_that_refuses_what_is_not_aligned_is_not_accused() -> None:
    odd = PLACES.index(Place("n0", odd_bytes=1))
    atom = Drawn(A0, 0, UMEM_ADD, 0, 0, (OF_POINTERS[0], odd))
    stream = PLAIN._replace(atoms=(atom,), steps=(Step(EXEC, A0),))
    abi = ABIS["ilp32-le"]
    assert judge_of(abi).judge(stream).judgement is Judgement.SAME
    judged = Judge(RefusesOddArguments(abi)).judge(stream)
    assert judged.judgement is Judgement.UNJUDGED
    even = stream._replace(atoms=(atom._replace(args=(OF_POINTERS[0], OF_NUMBERS[0])),))
    assert Judge(RefusesOddArguments(abi)).judge(even).judgement is Judgement.SAME


class WaitsForOneMore(Mutant):
    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        return super()._wait(min_events + 1, user_ring_idx, head)


class TakesWhatHasNoHead(Mutant):
    """Where no head can be read, what is asynchronous is said to have run in the caller."""

    def _exec(self, atom: int, head: int) -> int:
        return super()._exec(atom, head) if self.memory.is_mapped(head, 1) else atom


PID = Drawn(A1, int(Flag.ASYNC), GETPID, 0, 0, ())
EXEC_READ, FEED_ONE = Step(EXEC, A0), Step(FEED, 0, 0)
WAIT_ONE, WAIT_TWO = (Step(WAIT, WAITS.index(events)) for events in (1, 2))


@pytest.mark.parametrize(
    ("wrong", "steps", "difference"),
    [
        (
            OneFewerOfSeveral,
            (EXEC_READ, EXEC_READ, WAIT_TWO, FEED_ONE, FEED_ONE),
            "wait returned before a step let it go",
        ),
        (
            WaitsForOneMore,
            (Step(EXEC, A1), EXEC_READ, WAIT_ONE, FEED_ONE),
            "wait returned only when a later step let it go",
        ),
        (
            CountsFromTheDescriptor,  # at index 0 there is an event, at 1 there is none
            (Step(EXEC, A1), EXEC_READ, WAIT_ONE._replace(c=2), FEED_ONE),
            "wait returned before a step let it go",
        ),
        (
            TakesWhatHasNoHead,
            (Step(EXEC, A1, NO_HEAD),),
            "exec gave the submitted atom, wanted an error",
        ),
    ],
)
def test_an_engine_that_is_wrong_in_one_way_is_a_find(
    monkeypatch: pytest.MonkeyPatch, wrong: type[Mutant], steps: tuple[Step, ...], difference: str
) -> None:
    monkeypatch.setattr(oracle, "MOST_S", 10)  # a slow machine decides it as well
    abi = ABIS["ilp32-le"]
    stream = PLAIN._replace(atoms=(READS, PID), steps=steps)
    assert judge_of(abi).judge(stream).judgement is Judgement.SAME
    judged = Judge(wrong(abi)).judge(stream)
    assert (judged.judgement, judged.difference) == (Judgement.FIND, difference)


def test_what_may_run_before_its_head_is_looked_at_is_not_given_to_the_engine(abi: Abi) -> None:
    stream = PLAIN._replace(atoms=(adds(A0),), steps=(Step(EXEC, A0, NO_HEAD),))
    judged = judge_of(abi).judge(stream)
    assert judged.judgement is Judgement.UNJUDGED
    assert judged.difference == "what runs before a head is found not to be there"


def _outcomes(
    judge: Judge, stream: Stream, fds: tuple[int, ...], been: set[Hashable] | None
) -> tuple[set[Outcome], int]:
    """What every order comes to, and how many were played. Unjudged for too many."""
    choices, outcomes, runs = Choices(), set[Outcome](), 0
    while True:
        with contextlib.suppress(Been):
            outcomes.add(judge.oracle.played(stream, fds, choices, been=been)[0])
        runs += 1
        if runs > 500:
            raise Unjudged
        if not choices.advance():
            return outcomes, runs


def test_orders_that_meet_again_leave_out_no_outcome() -> None:
    judge = judge_of(ABIS["ilp32-le"])
    generator = Generator(Random(1))
    once = each = several = 0
    for number in range(len(THEMES) * 12):
        stream = generator.draw(number % len(THEMES))
        fds = judge.subject.fds(used=uses_pipes(stream))
        with contextlib.suppress(Unjudged):
            outcomes, runs = _outcomes(judge, stream, fds, None)
            found, fewer = _outcomes(judge, stream, fds, set())
            assert found == outcomes, stream
            once, each, several = once + fewer, each + runs, several + (len(outcomes) > 1)
    assert several >= 20
    assert once < each / 2


def test_what_is_expected_of_a_call_that_waits_is_told_once() -> None:
    """The reference is played again when a call is seen to wait; one of those plays is told."""
    waits = READS._replace(flags=int(Flag.SYNC))
    stream = PLAIN._replace(atoms=(waits,), steps=(EXEC_READ, FEED_ONE))
    told = wanted(judge_of(ABIS["lp64-le"]), stream)
    steps = [line.split(" ")[0] for line in told["expected"]]
    assert (steps.count("fetch"), steps.count("block"), steps.count("result")) == (1, 1, 1)
    assert "exec &a0 head=&h0 started\n" in told["program"]


def test_several_writers_of_a_full_pipe_are_left_open() -> None:
    """Linux 6.18 wakes one of three that write 4 bytes each when 8192 are read."""
    writes = Drawn(A0, 0, WRITE, 0, 0, (OF_ENDS[1], OF_POINTERS[0], OF_NUMBERS[0]))
    stream = PLAIN._replace(atoms=(writes,))
    steps = (Step(FILL, 0), EXEC_READ, EXEC_READ, Step(EMPTY, 0))
    judge = judge_of(ABIS["lp64-le"])
    assert judge.judge(stream._replace(steps=steps[1:])).judgement is Judgement.SAME
    assert judge.judge(stream._replace(steps=(steps[0], *steps[2:]))).judgement is Judgement.SAME
    judged = judge.judge(stream._replace(steps=steps))
    assert (judged.judgement, judged.difference) == (
        Judgement.UNJUDGED,
        "which of several writers go on",
    )


class _EntersNoFault(Mutant):
    """A syslet that faults in the background leaves no entry, as an engine may have it."""

    faulted = False

    def _turn(self, syslet: Syslet, atoms: int) -> None:
        self.faulted = False
        super()._turn(syslet, atoms)

    def _faulted(self, syslet: Syslet, address: int) -> Pause:
        self.faulted = True
        return super()._faulted(syslet, address)

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        return (0, 0) if self.faulted else super()._post(syslet)


class _ReadsFirst(Mutant):
    """A bad argument of an asynchronous atom is an error of exec's."""

    def _exec(self, atom: int, head: int) -> int:
        pointer = self.memory.word(atom + self.abi.atom_offsets["arg_ptr[0]"])
        if pointer and not self.memory.is_mapped(pointer, self.abi.word_bytes):
            return -14
        return super()._exec(atom, head)


@pytest.mark.parametrize(
    ("engine", "atom", "difference"),
    [
        (
            _EntersNoFault,
            PID._replace(next=OF_NOWHERE),
            "what a background fault leaves",
        ),
        (
            _ReadsFirst,
            PID._replace(args=(OF_NOWHERE,)),
            "an argument of an asynchronous atom that cannot be read",
        ),
    ],
)
def test_what_an_engine_may_make_of_a_fault_is_not_held_against_it(
    engine: type[Mutant], atom: Drawn, difference: str
) -> None:
    abi = ABIS["ilp32-le"]
    stream = PLAIN._replace(atoms=(atom,), steps=(Step(EXEC, A1),))
    assert judge_of(abi).judge(stream).judgement is Judgement.SAME
    judged = Judge(engine(abi)).judge(stream)
    assert (judged.judgement, judged.difference) == (Judgement.UNJUDGED, difference)


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


# -- shrinking --------------------------------------------------------------------------


def test_a_stream_is_shrunk_to_what_matters() -> None:
    """Of a large stream, what matters is one atom with ASYNC and one wait."""
    generator = Generator(Random(2))
    large = next(
        stream
        for stream in (generator.draw(3) for _ in range(1000))
        if len(stream.atoms) > 4
        and any(step.kind == WAIT for step in stream.steps)
        and any(atom.flags & Flag.ASYNC for atom in stream.atoms)
    )

    def matters(stream: Stream) -> bool:
        return any(atom.flags & Flag.ASYNC for atom in stream.atoms) and any(
            step.kind == WAIT for step in stream.steps
        )

    small = shrunk(large, matters)
    assert [atom.flags for atom in small.atoms] == [Flag.ASYNC]
    assert small.steps == (Step(WAIT),)
    assert small.numbers == (0,) * 6


def test_what_shows_only_once_is_kept_as_it_was() -> None:
    stream = Generator(Random(4)).draw(0)
    assert shrunk(stream, lambda _: False) == stream


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
