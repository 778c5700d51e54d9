"""The judge: what a stream comes to, in every order, and how an engine differs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from random import Random
from typing import Any

import pytest
from fuzz_python_mutants import CountsFromTheDescriptor, OneFewerOfSeveral
from fuzz_streams import (
    A0,
    A1,
    EXEC_READ,
    FEED_ONE,
    ONE,
    PID,
    PLAIN,
    READS,
    WAIT_ONE,
    WAIT_TWO,
    ZERO,
    adds,
    judge_of,
)
from mutants.engine import Mutant

from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.fuzz import oracle
from syslet_conformance.fuzz.arena import (
    CODE,
    NO_HEAD,
    OF_ENDS,
    OF_NUMBERS,
    OF_POINTERS,
    OF_SCRATCH,
    WRITE,
    labels,
)
from syslet_conformance.fuzz.generate import THEMES, Generator
from syslet_conformance.fuzz.harmless import Unjudged
from syslet_conformance.fuzz.judge import Judge, Judgement
from syslet_conformance.fuzz.play import NULL_WORD, SUBMITTED, Outcome, uses_pipes
from syslet_conformance.fuzz.states import Been
from syslet_conformance.fuzz.stream import (
    CONSUME,
    EXEC,
    FEED,
    WAIT,
    WAITS,
    Drawn,
    Step,
    Stream,
)
from syslet_conformance.fuzz.telling import wanted
from syslet_conformance.interleavings import Choices
from syslet_layouts import ABIS, Abi, Flag, decode_words
from syslet_reference.blocking import Blocked
from syslet_reference.syslet import Syslet


@pytest.fixture(params=list(ABIS))
def abi(request: pytest.FixtureRequest) -> Abi:
    return ABIS[request.param]


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


def _take_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine decides what is tried as well."""
    for name in ("BY_ATOMS", "WITHIN_ATOMS"):
        monkeypatch.setattr(oracle, name, getattr(oracle, name)._replace(most_s=10))


class CallsLate(EmbeddedEngine):
    """Others go on between the arguments of an atom and its call."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        for number, call in self.kernel.calls.items():
            self.kernel.calls[number] = partial(self._made, call)

    def _made(self, call: Callable[[Sequence[int]], int | Blocked], args: Sequence[int]) -> Any:
        self._settle()
        return call(args)


class StoresLate(CallsLate):
    """Others go on between a call and the store of its result."""

    def _made(self, call: Callable[[Sequence[int]], int | Blocked], args: Sequence[int]) -> Any:
        result = call(args)
        if not isinstance(result, Blocked):
            self._settle()
        return result


FEEDS = Drawn(A1, 0, WRITE, OF_SCRATCH[0], 0, (OF_ENDS[1], OF_POINTERS[1], OF_NUMBERS[0]))
"""A 0 into pipe a, the result, 1, into s."""


@pytest.mark.parametrize(
    ("engine", "atoms", "words"),
    [
        # The first syslet has its 0 in s before the second one's 1 is stored there.
        (StoresLate, (READS, FEEDS), (1, 0, 0)),
        # The second has loaded a 1 that it adds to s when the first reads a 0 there, and adds 1 to
        # s: whichever of the two is first, s has 2, and the 0 that was read has no part in it.
        (
            CallsLate,
            (
                READS._replace(args=(OF_ENDS[0], OF_POINTERS[2], OF_NUMBERS[0]), next=CODE[2]),
                FEEDS._replace(ret=0, next=CODE[3]),
                adds(CODE[2]),
                adds(CODE[3])._replace(args=(OF_POINTERS[0], OF_NUMBERS[2]), ret=OF_SCRATCH[2]),
            ),
            (2, 1, 2),
        ),
    ],
)
def test_others_may_go_on_between_arguments_call_and_store(
    monkeypatch: pytest.MonkeyPatch,
    engine: type[EmbeddedEngine],
    atoms: tuple[Drawn, ...],
    words: tuple[int, ...],
) -> None:
    """By hand, on what the requirements leave open: where in an atom others go on."""
    _take_time(monkeypatch)
    abi = ABIS["ilp32-le"]
    stream = PLAIN._replace(
        pointers=(OF_SCRATCH[0], OF_NUMBERS[1], OF_NUMBERS[2], OF_SCRATCH[0]),
        numbers=(ONE, ZERO, ONE, ONE, ONE, ONE),
        atoms=atoms,
        steps=(EXEC_READ, Step(EXEC, A1)),
    )
    judge = judge_of(abi, engine)
    judged = judge.judge(stream)
    assert judged.judgement is Judgement.ALLOWED
    assert judged.got is not None
    at = labels(abi)["s"]
    got = decode_words(abi, judged.got.memory[at : at + 3 * abi.word_bytes])
    assert tuple(got) == words
    judged = judge_of(abi).judge(stream)
    assert judged.judgement is Judgement.SAME


class StoresOneMore(StoresLate):
    """What is stored for a write is no result of it."""

    def _made(self, call: Callable[[Sequence[int]], int | Blocked], args: Sequence[int]) -> Any:
        result = super()._made(call, args)
        is_write = getattr(call, "__name__", "") == "sys_write"
        return result + 1 if is_write and isinstance(result, int) else result


def test_a_wrong_result_is_a_find_wherever_in_an_atom_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _take_time(monkeypatch)
    stream = PLAIN._replace(
        pointers=(OF_SCRATCH[0], OF_NUMBERS[1], OF_SCRATCH[0], OF_SCRATCH[0]),
        atoms=(READS, FEEDS),
        steps=(EXEC_READ, Step(EXEC, A1)),
    )
    judged = judge_of(ABIS["ilp32-le"], StoresOneMore).judge(stream)
    assert (judged.judgement, judged.difference) == (
        Judgement.FIND,
        "memory differs at the scratch",
    )


class GoesOnAtOnce(EmbeddedEngine):
    """A caller that a write of another one lets go goes on before that writer does."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.inside = 0
        number = self.kernel.number("write")
        assert number is not None
        right = self.kernel.calls[number]

        def write(args: Sequence[int]) -> Any:
            result = right(args)
            while self.inside > 1:
                self._changed.wait(0.01)
            return result

        self.kernel.calls[number] = write

    def _exec(self, atom: int, head: int) -> int:
        self.inside += 1
        try:
            return super()._exec(atom, head)
        finally:
            self.inside -= 1


def test_two_callers_that_run_at_once_take_turns_as_they_like() -> None:
    """The first waits for a byte, and looks at s; the second writes it, and adds 1 to s."""
    looks = adds(CODE[2])._replace(args=(OF_POINTERS[0], OF_NUMBERS[2]))
    stream = PLAIN._replace(
        pointers=(OF_SCRATCH[0], OF_NUMBERS[1], OF_SCRATCH[0], OF_SCRATCH[0]),
        numbers=(ONE, ZERO, ZERO, ONE, ONE, ONE),
        atoms=(
            READS._replace(
                flags=int(Flag.SYNC),
                args=(OF_ENDS[0], OF_POINTERS[1], OF_NUMBERS[0]),
                next=CODE[2],
            ),
            FEEDS._replace(ret=0, next=CODE[3]),
            looks,
            adds(CODE[3])._replace(ret=0),
        ),
        steps=(EXEC_READ, Step(EXEC, A1)),
    )
    abi = ABIS["ilp32-le"]
    assert judge_of(abi).judge(stream).judgement is Judgement.SAME
    judge = judge_of(abi, GoesOnAtOnce)
    judged = judge.judge(stream)
    assert judged.judgement is Judgement.UNDECIDED
    at, words = labels(abi)["s"], []
    for outcome in (judged.expected, judged.got):
        assert outcome is not None
        words.append(decode_words(abi, outcome.memory[at : at + 2 * abi.word_bytes]))
    assert words == [[1, 1], [1, 0]]


class TellsLater(EmbeddedEngine):
    """Syslets run when the program waits, and what finds no place meanwhile the next call tells."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self._chooser = lambda alternatives: alternatives - 1

    def _tells_meanwhile(self, head: int) -> bool:
        del head
        return False


@pytest.mark.parametrize("more", [(), (Step(WAIT, WAITS.index(99)),)])
def test_a_wait_under_way_may_leave_a_loss_to_the_next_call(more: tuple[Step, ...]) -> None:
    """Two events for a ring of one slot: one is lost, and told once, by this wait or the next."""
    stream = PLAIN._replace(
        slots=(1, 1), atoms=(PID,), steps=(Step(EXEC, A1), Step(EXEC, A1), *more)
    )
    judge = judge_of(ABIS["ilp32-le"], TellsLater)
    judged = judge.judge(stream)
    assert judged.judgement in (Judgement.SAME, Judgement.ALLOWED)
    assert judged.got is not None
    entry = judge.subject.arena.addresses[A1]
    assert judged.got.gave == (NULL_WORD, NULL_WORD, *(0 for _ in more))
    assert judged.got.ends == ((1, (entry,)), (0, ()))


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


class WaitsForOneMore(Mutant):
    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        return super()._wait(min_events + 1, user_ring_idx, head)


class TakesWhatHasNoHead(Mutant):
    """Where no head can be read, what is asynchronous is said to have run in the caller."""

    def _exec(self, atom: int, head: int) -> int:
        return super()._exec(atom, head) if self.memory.is_mapped(head, 1) else atom


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
    _take_time(monkeypatch)
    abi = ABIS["ilp32-le"]
    stream = PLAIN._replace(atoms=(READS, PID), steps=steps)
    assert judge_of(abi).judge(stream).judgement is Judgement.SAME
    judge = Judge(wrong(abi))
    # On a busy machine a call that returns too soon may be seen too late, or by none.
    plays = (judge.judge(stream) for _ in range(30))
    finds = (judged for judged in plays if judged.judgement is Judgement.FIND)
    assert next(finds).difference == difference


def _outcomes(
    judge: Judge,
    stream: Stream,
    fds: tuple[int, ...],
    been: set[Hashable] | None,
    *,
    finely: bool,
) -> tuple[set[Outcome], int]:
    """What every order comes to, and how many were played. Unjudged for too many."""
    choices, outcomes, runs = Choices(), set[Outcome](), 0
    while True:
        with contextlib.suppress(Been):
            played = judge.oracle.played(stream, fds, choices, been=been, finely=finely)
            outcomes.add(played[0])
        runs += 1
        if runs > 500:
            raise Unjudged
        if not choices.advance():
            return outcomes, runs


@pytest.mark.parametrize(("finely", "several_at_least"), [(False, 20), (True, 8)])
def test_orders_that_meet_again_leave_out_no_outcome(
    *, finely: bool, several_at_least: int
) -> None:
    judge = judge_of(ABIS["ilp32-le"])
    generator = Generator(Random(1))
    once = each = several = 0
    for number in range(len(THEMES) * 14):
        stream = generator.draw(number % len(THEMES))
        fds = judge.subject.fds(used=uses_pipes(stream))
        with contextlib.suppress(Unjudged):
            outcomes, runs = _outcomes(judge, stream, fds, None, finely=finely)
            found, fewer = _outcomes(judge, stream, fds, set(), finely=finely)
            assert found == outcomes, stream
            once, each, several = once + fewer, each + runs, several + (len(outcomes) > 1)
            if finely:
                assert outcomes >= _outcomes(judge, stream, fds, set(), finely=False)[0]
    assert several >= several_at_least
    assert once < each / 2


def test_what_is_expected_of_a_call_that_waits_is_told_once() -> None:
    """The reference is played again when a call is seen to wait; one of those plays is told."""
    waits = READS._replace(flags=int(Flag.SYNC))
    stream = PLAIN._replace(atoms=(waits,), steps=(EXEC_READ, FEED_ONE))
    told = wanted(judge_of(ABIS["lp64-le"]), stream)
    steps = [line.split(" ")[0] for line in told["expected"]]
    assert (steps.count("fetch"), steps.count("block"), steps.count("result")) == (1, 1, 1)
    assert "exec &a0 head=&h0 started\n" in told["program"]
