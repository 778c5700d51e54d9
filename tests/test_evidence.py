"""What a failed test's result says of engine and reference; the engines are wrong on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import engines_for_tests
import pytest

from syslet_conformance import evidence as evidence_module
from syslet_conformance import replay
from syslet_conformance.backends import EmbeddedEngine, serving
from syslet_conformance.calls import Call, Hang
from syslet_conformance.contract import Engine, EngineDied
from syslet_conformance.evidence import EVENTS, TURNS, gathered, parting
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.results import AtomSeen, Differing, Evidence, read_results
from syslet_conformance.session import Session
from syslet_conformance.text import parse
from syslet_conformance.verdicts import Verdict
from syslet_layouts import ABIS, SysletError

HERE = Path(__file__).parent
ILP32 = ABIS["ilp32-le"]


def evidence_of(engine: Engine, text: str, raises: type[SysletError] | None = None) -> Evidence:
    """What is gathered after the steps of a program, the last of which may raise."""
    program = parse(text)
    session, error = Session(engine, program), None
    for step in program.steps:
        try:
            session.perform(step)
        except SysletError as raised:
            error = raised
    assert (error is None) if raises is None else isinstance(error, raises)
    return gathered([session], error)


def given(evidence: Evidence) -> list[tuple[str, str]]:
    return [(turn.engine, turn.reference) for turn in evidence.turns]


SKIPS = """
section data
ring r 2
head h ring=r
word zero = 0
word target = &zero
word near_target = &near
word near = 0
word five = 5
section code
atom first umem_add(&target, &zero) flags=ASYNC|STOP_ON_ZERO|SKIP_TO_NEXT_ON_STOP
atom second umem_add(&near_target, &five) flags=STOP_ON_NONZERO next=&first
atom third nr(77)() ret=&zero packed
exec &first head=&h
wait 1 head=&h
consume h
"""


@pytest.fixture
def strides_a_word_short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The mutant, in a process of its own, since it changes what the reference is made of."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    engine = ProtocolEngine(serving("python:mutants.skip:StrideOffByAWord"), ILP32)
    yield engine
    engine.close()


def test_a_wrong_stride_shows_in_the_entry_in_memory_and_not_in_what_came_before(
    strides_a_word_short: Engine,
) -> None:
    evidence = evidence_of(strides_a_word_short, SKIPS)
    # 0 + 0 is 0: it stops and skips, on ilp32 44 bytes on. The mutant goes 40: it finds private
    # (0) for flags, the flags of `second` for a call that there is not, its nr for a ret_ptr that
    # is not mapped, and its ret_ptr, 0, for next, so that it ends there.
    assert [turn.step for turn in evidence.turns] == [
        "exec &first head=&h",
        "wait 1 head=&h",
        "consume h",
    ]
    assert given(evidence) == [
        ("returned NULL", "returned NULL"),
        ("returned 0", "returned 0"),
        ("got &first+40", "got &second"),
    ]
    assert evidence.memory == (Differing("near", "0", "5"),)
    assert evidence.note == ""
    assert parting(evidence) == [
        "parts from the reference in step consume h",
        "  the engine: got &first+40; the reference: got &second",
    ]
    first, second = "STOP_ON_ZERO|SKIP_TO_NEXT_ON_STOP", "STOP_ON_NONZERO"
    assert evidence.atoms == (
        AtomSeen("first", "umem_add", f"ASYNC|{first}", "", "second"),
        AtomSeen("second", "umem_add", second, "first", "third"),
        AtomSeen("third", "nr(77)", "", "", ""),
    )
    trace = [(e.step, e.atom, e.detail) for e in evidence.turns[0].trace]
    assert ("argument", "first", {"index": "0", "pointer": "&target", "value": "&zero"}) in trace
    assert [t for t in trace if t[0] in {"fetch", "stop", "successor", "post", "wake"}] == [
        (
            "fetch",
            "first",
            {"flags": f"ASYNC|{first}", "nr": "29955", "ret_ptr": "NULL", "next": "NULL"},
        ),
        ("stop", "first", {"stopped": "1"}),
        ("successor", "first", {"next": "&second"}),
        ("fetch", "second", {"flags": second, "nr": "29955", "ret_ptr": "NULL", "next": "&first"}),
        ("stop", "second", {"stopped": "1"}),
        ("successor", "second", {"next": "NULL"}),
        ("post", "second", {"head": "&h", "index": "0"}),
        ("wake", "second", {"pending": "0"}),
    ]
    assert {event.syslet for event in evidence.turns[0].trace if event.step != "return"} == {1}


ONE_EXEC = """
ring r 1
head h ring=r
atom first nr(20)()
exec &first head=&h
"""


def test_an_engine_that_died_leaves_no_memory_and_the_reference_goes_on() -> None:
    engine = ProtocolEngine([sys.executable, str(HERE / "scripted_engine.py"), "dies-in-exec"])
    evidence = evidence_of(engine, ONE_EXEC, EngineDied)
    assert given(evidence) == [("no answer", "returned &first")]
    assert evidence.memory == ()
    assert evidence.note == "the engine is gone: without its memory at the end"


class Hanging(EmbeddedEngine):
    """Its exec hangs until the test is over; `reads_hang`: its memory too, from then on."""

    reads_hang = False

    def __init__(self) -> None:
        super().__init__(ILP32)
        self.over = threading.Event()
        self.hangs = False

    def exec(self, atom: int, head: int) -> int:
        self.hangs = True
        self.over.wait()
        return super().exec(atom, head)

    def read(self, address: int, count: int) -> bytes:
        if self.hangs and self.reads_hang:
            self.over.wait()
        return super().read(address, count)


@pytest.mark.parametrize("reads_hang", [False, True])
def test_an_engine_that_hangs_is_asked_for_its_memory_once_and_not_for_long(
    monkeypatch: pytest.MonkeyPatch, reads_hang: bool
) -> None:
    monkeypatch.setattr(Call.join, "__defaults__", (0.05,))
    monkeypatch.setattr(evidence_module, "ENGINE_S", 0.05 if reads_hang else 60.0)
    engine = Hanging()
    engine.reads_hang = reads_hang
    try:
        evidence = evidence_of(engine, ONE_EXEC + "word x = 0\n", Hang)
    finally:
        engine.over.set()
    assert given(evidence) == [("no answer", "returned &first")]
    hung = "the engine does not say what its memory holds: without its memory at the end"
    assert evidence.note == (hung if reads_hang else "")


def test_a_test_without_a_program_says_so() -> None:
    evidence = gathered([], None)
    assert evidence == Evidence(note="the test loaded no program")
    assert parting(evidence) == []


def test_what_differs_in_memory_alone_is_shown() -> None:
    class Scribbles(EmbeddedEngine):
        """Behind the descriptor of 32 bytes lie a word and a buffer."""

        def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
            self.write(head + 32, b"\x07\0\0\0" + b"\0\0Xd")
            return super().wait(min_events, user_ring_idx, head)

    text = "section s\nring r 1\nhead h ring=r\nword x = 5\nbuffer b 8\nwait 0 head=&h\n"
    evidence = evidence_of(Scribbles(ILP32), text)
    assert given(evidence) == [("returned 0", "returned 0")]
    assert evidence.memory == (
        Differing("x", "7", "5"),
        Differing("b+2", "b'Xd\\x00\\x00\\x00\\x00'", "b'\\x00\\x00\\x00\\x00\\x00\\x00'"),
    )
    assert parting(evidence) == [
        "parts from the reference in memory at the end: x",
        "  the engine: 7; the reference: 5",
    ]


COPIES = """
section data
ring r 1
head h ring=r
word target = &x
word x = 5
word inc = 2
pipe p
section code
atom add umem_add(&target, &inc)
section copies
buffer copy 48
poke &copy "\\x01"
exec &add head=&h
"""


def test_addresses_and_descriptors_differ_and_are_no_difference() -> None:
    engine = EmbeddedEngine(ILP32)
    engine.map(1 << 20)  # so that whatever is loaded lies elsewhere than on a fresh reference
    engine.pipe()
    session = Session(engine, parse(COPIES))
    for odd in (0, 3):
        atom = engine.read(session.address("add"), 44)
        session.write(session.address("copy") + odd, atom)
        session.exec(session.address("copy") + odd, session.address("h"))
    evidence = gathered([session], None)
    assert [turn.step.split()[0] for turn in evidence.turns] == ["store", "exec"] * 2
    first, second = "returned &copy", "returned &copy+3"
    assert given(evidence)[1::2] == [(first, first), (second, second)]
    assert (evidence.memory, evidence.note) == ((), "")


def test_the_reference_knows_the_engines_numbers_of_system_calls() -> None:
    engine = EmbeddedEngine(ILP32, numbers={"umem_add": 0x1234})
    evidence = evidence_of(engine, COPIES)
    assert given(evidence) == [("", ""), ("returned &add", "returned &add")]
    calls = [e.detail for e in evidence.turns[1].trace if e.step == "call"]
    assert calls == [{"nr": "4660", "name": "umem_add"}]
    assert evidence.memory == ()


# -- what does not end ------------------------------------------------------------------


WAITS = """
ring r 2
head h ring=r
pipe p
word room = 0
word at = &room
word one = 1
atom first read(&p.read, &at, &one)
exec &first head=&h
wait 1 head=&h
feed p "x"
consume h
"""


def test_a_call_that_only_a_later_step_lets_go_blocks_and_costs_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "LIMIT_S", 1e9)  # who waits for it does not come to an end
    evidence = evidence_of(engines_for_tests.WaitsForNothing(ILP32), WAITS)
    assert given(evidence) == [
        ("returned NULL", "returned NULL"),
        ("returned 0", "blocks"),
        ("", ""),
        ("got &first", "got &first"),
    ]
    assert evidence.note == ""
    assert [event.step for event in evidence.turns[2].trace][-3:] == ["post", "wake", "return"]


def test_a_started_call_shows_its_end_too() -> None:
    class Refuses(EmbeddedEngine):
        def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
            super().wait(min_events, user_ring_idx, head)
            return 0xFFFFFFEA  # -22

    text = WAITS.replace("wait 1 head=&h", "wait 1 head=&h started")
    evidence = evidence_of(Refuses(ILP32), text.replace("consume h", "join"))
    assert given(evidence)[1:] == [
        ("started, returned -22", "started, returned 0"),
        ("", ""),
        ("got -22", "got 0"),
    ]


LOOP = """
ring r 1
head h ring=r
word n = -100000
word at = &n
word one = 1
atom first umem_add(&at, &one) flags=STOP next=&first
exec &first head=&h
"""


class AnswersAtOnce(EmbeddedEngine):
    """It runs nothing."""

    def exec(self, atom: int, head: int) -> int:  # noqa: ARG002
        return atom


def test_a_loop_without_an_end_is_ended_and_said_and_holds_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "LIMIT_S", 0.3)
    text = LOOP.replace("STOP", "0")
    threads = []
    for _ in range(3):
        evidence = evidence_of(AnswersAtOnce(ILP32), text)
        threads.append(threading.active_count())
        assert given(evidence) == [("returned &first", "no end")]
        said = "the reference had 0.3 s, which were over in step 1 of 1"
        assert evidence.note == f"the trace is cut; {said}"
        assert len(evidence.turns[0].trace) == EVENTS
    assert threads[1:] == threads[:1] * 2


def test_a_long_trace_is_cut_and_said() -> None:
    # 1000 turns of 6 events each (fetch, two arguments, call, result, stop, successor: 7).
    text = LOOP.replace("STOP", "STOP_ON_ZERO").replace("-100000", "-1000")
    evidence = evidence_of(EmbeddedEngine(ILP32), text)
    assert given(evidence) == [("returned &first", "returned &first")]
    assert evidence.note == "the trace is cut"
    steps = [event.step for event in evidence.turns[0].trace]
    turn = ["fetch", "argument", "argument", "call", "result", "stop", "successor"]
    assert steps == (turn * 300)[:EVENTS]


def test_of_many_steps_those_around_the_first_that_differs_are_kept_with_their_trace() -> None:
    class WrongOnce(EmbeddedEngine):
        done = 0

        def exec(self, atom: int, head: int) -> int:
            self.done += 1
            word = super().exec(atom, head)
            return 0 if self.done == 250 else word

    text = "ring r 1\nhead h ring=r\natom first getpid()\n" + "exec &first head=&h\n" * 500
    evidence = evidence_of(WrongOnce(ILP32), text)
    assert len(evidence.turns) == TURNS == 300
    # Step 250 differs; 200 before it are kept, so the first that is kept is the 50th.
    assert evidence.note == "steps 50 to 349 of 500 are shown"
    assert given(evidence).index(("returned NULL", "returned &first")) == 200
    # fetch, call, result, stop, successor, return
    assert [len(turn.trace) for turn in evidence.turns] == [6] * 300


# -- a run ------------------------------------------------------------------------------


def run(tmp_path: Path, backend: str, *words: str) -> tuple[str, list[Evidence]]:
    """What `syslet run` prints, and the evidence of what did not pass."""
    file = tmp_path / "results"
    main = "from syslet_conformance.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", main, "run", backend, *words, "--results", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )
    assert ran.stderr == ""
    broken = [r for r in read_results(file) if r.verdict is not Verdict.PASS]
    found = [result.evidence for result in broken if result.evidence is not None]
    assert len(found) == len(broken) > 0
    return ran.stdout, found


def test_a_run_says_below_a_failure_where_engine_and_reference_part(tmp_path: Path) -> None:
    backend = "python:engines_for_tests:WaitsForNothing"
    test = "waiting::test_a_wait_that_blocked_returns_0[ilp32-le-enough]"
    said, [evidence] = run(tmp_path, backend, "--test", test)
    # Nobody has fed its pipe: the test ended where the wait did not block.
    assert given(evidence)[-2:] == [("started, returned 0", "started"), ("got 0", "blocks")]
    assert said.splitlines()[3:5] == [
        "parts from the reference in step wait 1 head=&head started",
        "  the engine: started, returned 0; the reference: started",
    ], said


def test_an_engine_that_takes_the_worker_along_leaves_a_note(tmp_path: Path) -> None:
    test = "waiting::test_cached_syslets_leave_nothing_to_wait_for[ilp32-le]"
    _, [evidence] = run(tmp_path, "python:engines_for_tests:EndsInExec", "--test", test)
    assert evidence == Evidence(note="the test's own process is gone, and what it had done with it")
