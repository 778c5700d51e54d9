"""What the hunt does not hold against an engine, and what it never gives to one."""

from __future__ import annotations

from collections.abc import Sequence
from errno import ENOSYS
from typing import Any

import pytest
from fuzz_streams import (
    A0,
    A1,
    EXEC_READ,
    FEED_ONE,
    OF_NOWHERE,
    ONE,
    PID,
    PLAIN,
    READS,
    READS_DESCRIPTOR_0,
    TWO,
    adds,
    judge_of,
)
from mutants.arguments import RUN
from mutants.engine import Mutant, Sees
from mutants.rewritten import rewritten

from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.fuzz.arena import (
    CODE,
    NO_HEAD,
    NUMBERS,
    OF_BAD,
    OF_ENDS,
    OF_NUMBERS,
    OF_POINTERS,
    OF_RINGS,
    PLACES,
    UMEM_ADD,
    UNKNOWN,
    UNKNOWN_NR,
    WRITE,
    Place,
)
from syslet_conformance.fuzz.cachemiss import missed
from syslet_conformance.fuzz.judge import Judge, Judgement
from syslet_conformance.fuzz.rules import goes_round_beside, may_not_end
from syslet_conformance.fuzz.stream import (
    CLOSE,
    DRAIN,
    EMPTY,
    EXEC,
    FILL,
    STORE,
    WAIT,
    Drawn,
    Step,
)
from syslet_layouts import ABIS, Abi, Flag
from syslet_reference.blocking import Blocked
from syslet_reference.syslet import Pause, Syslet

A7 = CODE[7]


@pytest.fixture(params=list(ABIS))
def abi(request: pytest.FixtureRequest) -> Abi:
    return ABIS[request.param]


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


def test_what_adds_where_an_entry_leads_may_change_an_atom() -> None:
    """A chain without a loop may get one: an entry of the ring is the address of an atom."""
    adds_there = adds(A0, flags=int(Flag.ASYNC))
    stream = PLAIN._replace(atoms=(adds_there,), steps=(Step(EXEC, A0), Step(EXEC, A0)))
    assert not goes_round_beside(stream)
    adds_there = adds_there._replace(args=(OF_RINGS[0], OF_NUMBERS[0]))
    assert goes_round_beside(stream._replace(atoms=(adds_there,)))


@pytest.mark.parametrize(
    ("stops", "taken"),
    [
        (Flag.STOP_ON_NONZERO, (Step(DRAIN, 0),)),
        (Flag.STOP_ON_NONZERO, (Step(EMPTY, 0),)),
        (Flag.STOP_ON_ZERO, (Step(CLOSE, 1), Step(CLOSE, 0))),
    ],
    ids=["drained", "emptied", "closed"],
)
def test_a_loop_that_reads_what_the_program_takes_may_not_end(
    stops: Flag, taken: tuple[Step, ...]
) -> None:
    """It comes too late for what would end it, and then reads for ever."""
    loop = READS._replace(next=A0, flags=int(stops))
    stream = PLAIN._replace(atoms=(loop,), steps=(EXEC_READ, FEED_ONE))
    judge = judge_of(ABIS["lp64-le"])
    assert judge.judge(stream).judgement is Judgement.SAME
    assert judge.judge(stream._replace(steps=(*stream.steps, *taken))) == (
        Judgement.UNJUDGED,
        "some order of its syslets may not end",
        None,
        None,
    )
    other = stream._replace(steps=(*stream.steps, Step(DRAIN, 1)))
    assert judge.judge(other).judgement is Judgement.SAME


def test_what_may_run_before_its_head_is_looked_at_is_not_given_to_the_engine(abi: Abi) -> None:
    stream = PLAIN._replace(atoms=(adds(A0),), steps=(Step(EXEC, A0, NO_HEAD),))
    judged = judge_of(abi).judge(stream)
    assert judged.judgement is Judgement.UNJUDGED
    assert judged.difference == "what runs before a head is found not to be there"


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


def test_what_another_order_does_with_descriptors_of_others_is_left_open() -> None:
    judge = judge_of(ABIS["lp64-le"])
    judged = judge.judge(READS_DESCRIPTOR_0)
    assert (judged.judgement, judged.difference) == (
        Judgement.UNJUDGED,
        "descriptor 0 is somebody else's",
    )
    assert judge.left_open(READS_DESCRIPTOR_0) == judged.difference
    narrow = READS_DESCRIPTOR_0._replace(numbers=PLAIN.numbers)
    assert judge.judge(narrow).judgement is Judgement.SAME
    assert judge.left_open(narrow) == ""


def test_what_fills_a_pipe_that_is_read_meanwhile_is_left_open() -> None:
    stream = PLAIN._replace(atoms=(READS,), steps=(EXEC_READ, Step(FILL, 0)))
    judged = judge_of(ABIS["lp64-le"]).judge(stream)
    assert (judged.judgement, judged.difference) == (
        Judgement.UNJUDGED,
        "how much fills a pipe that is read meanwhile",
    )


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


def test_an_odd_address_that_the_stream_computes_is_no_accusation_either() -> None:
    """The first atom adds 1 to the second one's argument pointer."""
    pointer = PLACES.index(Place("a1", "arg_ptr[0]"))
    atoms = (adds(A0, next=A1)._replace(ret=0), PID._replace(flags=0, args=(OF_NUMBERS[1],)))
    stream = PLAIN._replace(
        pointers=(pointer, *PLAIN.pointers[1:]), atoms=atoms, steps=(Step(EXEC, A0),)
    )
    abi = ABIS["ilp32-le"]
    assert judge_of(abi).judge(stream).judgement is Judgement.SAME
    assert Judge(RefusesOddArguments(abi)).judge(stream).judgement is Judgement.UNJUDGED


def test_six_arguments_that_end_before_private_does_are_left_open(abi: Abi) -> None:
    """The first atom moves the second one's next from the last atom to a word behind it."""
    following = PLACES.index(Place("a1", "next"))
    word = NUMBERS.index(abi.word_bytes)
    last = Drawn(A7, 0, UMEM_ADD, 0, 0, (OF_NUMBERS[0],) * 6, ONE)
    stream = PLAIN._replace(
        numbers=(word, *PLAIN.numbers[1:]),
        pointers=(following, *PLAIN.pointers[1:]),
        atoms=(adds(A0, next=A1)._replace(ret=0), PID._replace(flags=0, next=A7), last),
        steps=(Step(EXEC, A0),),
    )
    judged = judge_of(abi).judge(stream)
    assert (judged.judgement, judged.difference) == (
        Judgement.UNJUDGED,
        "six arguments, cut off before private",
    )


class _Misses(Mutant):
    """Calls of a name go asynchronous, though they do not block."""

    name = ""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        number = self.kernel.number(self.name) or UNKNOWN_NR
        right = self.kernel.calls.get(number)

        def call(args: Sequence[int]) -> int | Blocked:
            result = -ENOSYS if right is None else right(args)
            return result if isinstance(result, Blocked) else missed(result)

        self.kernel.calls[number] = call


class _MissesUnknown(_Misses):
    name = "unknown"


class _MissesReads(_Misses):
    name = "read"


class _MissesPid(_Misses):
    """Which a call that cannot block must not (exec.cached-when-nothing-can-block)."""

    name = "getpid"


FAILS = READS._replace(args=(OF_ENDS[1], OF_POINTERS[0], OF_NUMBERS[0]))
"""A read of a pipe's write end."""


@pytest.mark.parametrize(
    ("engine", "atom", "judgement"),
    [
        (_MissesUnknown, Drawn(A0, 0, UNKNOWN, 0, 0, ()), Judgement.ALLOWED),
        (_MissesReads, FAILS, Judgement.ALLOWED),
        (_MissesReads, FAILS._replace(args=(OF_BAD, *FAILS.args[1:])), Judgement.ALLOWED),
        (_MissesPid, PID._replace(at=A0, flags=0), Judgement.FIND),
    ],
)
def test_a_call_may_go_asynchronous_for_nothing_where_it_might_block(
    engine: type[Mutant], atom: Drawn, judgement: Judgement
) -> None:
    abi = ABIS["ilp32-le"]
    stream = PLAIN._replace(atoms=(atom,), steps=(Step(EXEC, A0),))
    assert judge_of(abi).judge(stream).judgement is Judgement.SAME
    assert Judge(engine(abi)).judge(stream).judgement is judgement


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


class _SyncFirst(Sees):
    """SYNC wins over ASYNC."""

    def seen(self, fields: tuple[Any, ...]) -> tuple[Any, ...]:
        both = int(Flag.ASYNC | Flag.SYNC)
        flags = fields[0] & ~int(Flag.ASYNC) if fields[0] & both == both else fields[0]
        return (flags, *fields[1:])


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
        (
            _SyncFirst,
            PID._replace(flags=int(Flag.ASYNC | Flag.SYNC)),
            "an atom that is to go asynchronous and to be waited for",
        ),
    ],
)
def test_what_an_engine_may_do_otherwise_is_not_held_against_it(
    engine: type[Mutant], atom: Drawn, difference: str
) -> None:
    abi = ABIS["ilp32-le"]
    stream = PLAIN._replace(atoms=(atom,), steps=(Step(EXEC, A1),))
    assert judge_of(abi).judge(stream).judgement is Judgement.SAME
    judged = Judge(engine(abi)).judge(stream)
    assert (judged.judgement, judged.difference) == (Judgement.UNJUDGED, difference)
