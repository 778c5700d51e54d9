"""The reference engine's own rooms: pure rules, memory, clock, choices, threads, traces."""

from __future__ import annotations

import contextlib
import threading
from errno import EBADF, EFAULT, EINTR, EINVAL, EPIPE, ESPIPE

import pytest

from syslet_layouts import (
    ABIS,
    Abi,
    AsyncHeadUser,
    Flag,
    SysletError,
    SysletUatom,
    decode_ring,
    encode_atom,
    encode_head,
    encode_words,
)
from syslet_reference import STOPS, Event, ReferenceEngine, listed, seeded, stops, successor
from syslet_reference.kernel import PID

GETPID = {4: 20, 8: 39}
READ = {4: 3, 8: 0}
NANOSLEEP = {4: 162, 8: 35}


@pytest.fixture(params=list(ABIS.values()), ids=list(ABIS))
def abi(request: pytest.FixtureRequest) -> Abi:
    found = request.param
    assert isinstance(found, Abi)
    return found


@pytest.mark.parametrize(
    ("flag", "stopping"),
    [
        (Flag.STOP_ON_NONZERO, {-1, 1}),
        (Flag.STOP_ON_ZERO, {0}),
        (Flag.STOP_ON_NEGATIVE, {-1}),
        (Flag.STOP_ON_NON_POSITIVE, {-1, 0}),
    ],
)
def test_each_stop_flag_stops_on_its_own_results(flag: Flag, stopping: set[int]) -> None:
    assert {result for result in (-1, 0, 1) if stops(int(flag), result)} == stopping
    assert flag in STOPS


def test_no_flag_that_is_not_a_stop_flag_stops() -> None:
    others = int(Flag.ASYNC | Flag.SYNC | Flag.NO_COMPLETE | Flag.SKIP_TO_NEXT_ON_STOP)
    assert not any(stops(others, result) for result in (-1, 0, 1))


def test_a_stop_with_skip_goes_a_full_atom_on_whatever_next_holds() -> None:
    skip = int(Flag.SKIP_TO_NEXT_ON_STOP)
    assert successor(skip, True, 0x1000, 0x5000, 44, 0xFFFFFFFF) == 0x102C
    assert successor(skip, True, 0xFFFFFFF0, 0, 44, 0xFFFFFFFF) == 0x1C
    assert successor(skip, False, 0x1000, 0x5000, 44, 0xFFFFFFFF) == 0x5000
    assert successor(0, True, 0x1000, 0x5000, 44, 0xFFFFFFFF) is None
    assert successor(0, False, 0x1000, 0, 44, 0xFFFFFFFF) is None


class Bench:
    """One page of an engine: a ring of four slots, its head, words, and room for atoms."""

    def __init__(self, engine: ReferenceEngine) -> None:
        self.engine, self.abi = engine, engine.abi
        self.base = engine.map(4096)
        self.ring, self.head, self.words = self.base, self.base + 64, self.base + 256
        self.atoms = self.base + 1024
        head = AsyncHeadUser(0, 0, self.ring, 4 * self.abi.word_bytes)
        engine.write(self.head, encode_head(self.abi, head))

    def word(self, index: int, value: int) -> int:
        address = self.words + 8 * index
        self.engine.write(address, encode_words(self.abi, [value]))
        return address

    def atom(self, index: int, atom: SysletUatom) -> int:
        address = self.atoms + 96 * index
        self.engine.write(address, encode_atom(self.abi, atom))
        return address

    def slots(self) -> list[int]:
        return decode_ring(self.abi, self.engine.read(self.ring, 4 * self.abi.word_bytes))


def test_the_byte_after_a_mapping_faults(abi: Abi) -> None:
    engine = ReferenceEngine(abi)
    address = engine.map(100)
    assert engine.read(address, 100) == bytes(100)
    with pytest.raises(SysletError, match="page fault"):
        engine.read(address, 101)
    with pytest.raises(SysletError, match="1 or more"):
        engine.map(0)
    engine.unmap(address)
    with pytest.raises(SysletError, match="page fault"):
        engine.read(address, 1)


def test_a_map_beyond_the_limit_is_refused_by_name(abi: Abi) -> None:
    with pytest.raises(SysletError, match=r"map of 1152921504606846976 bytes: wanted at most"):
        ReferenceEngine(abi).map(1 << 60)


def test_a_sleeping_syslet_is_pending_until_virtual_time_has_passed(abi: Abi) -> None:
    bench = Bench(ReferenceEngine(abi))
    timespec = bench.engine.map(2 * abi.word_bytes)
    bench.engine.write(timespec, encode_words(abi, [3600, 0]))
    pointer = bench.word(0, timespec)
    atom = bench.atom(0, SysletUatom(nr=NANOSLEEP[abi.word_bytes], arg_ptr0=pointer))
    before = bench.engine.kernel.clock.now_ns
    assert bench.engine.exec(atom, bench.head) == 0
    assert bench.slots() == [0, 0, 0, 0]
    assert bench.engine.wait(1, 0, bench.head) == 0
    assert bench.slots() == [atom, 0, 0, 0]
    assert bench.engine.kernel.clock.now_ns - before >= 3600 * 10**9


def test_a_list_of_choices_picks_the_order_of_completions(abi: Abi) -> None:
    """Alternatives are the runnable syslets in order, then the caller where it may go on.

    The caller goes on after the first exec (1 of 2), when the second is entered (1 of 2) and
    after it (2 of 3), and as wait is entered it is the second syslet that runs (1 of 3).
    """
    bench = Bench(ReferenceEngine(abi, chooser=listed([1, 1, 2, 1, 0, 0, 0, 0])))
    nr = GETPID[abi.word_bytes]
    first = bench.atom(0, SysletUatom(int(Flag.ASYNC), nr))
    second = bench.atom(1, SysletUatom(int(Flag.ASYNC), nr))
    assert bench.engine.exec(first, bench.head) == 0
    assert bench.engine.exec(second, bench.head) == 0
    assert bench.engine.wait(2, 0, bench.head) == 0
    assert bench.slots() == [second, first, 0, 0]


def test_the_caller_may_go_on_between_a_call_that_blocked_and_the_next_atom(abi: Abi) -> None:
    """After the feed the reader runs (0 of 2), and then it is the caller's turn (1 of 2)."""
    bench = Bench(ReferenceEngine(abi, chooser=listed([0, 1, 1, 1])))
    engine = bench.engine
    reader, writer = engine.pipe()
    args = [bench.word(0, reader), bench.word(1, bench.words + 64), bench.word(2, 1)]
    read, pid = bench.words + 128, bench.words + 136
    second = bench.atom(1, SysletUatom(0, GETPID[abi.word_bytes], pid))
    first = bench.atom(0, SysletUatom(0, READ[abi.word_bytes], read, second, *args))
    assert engine.exec(first, bench.head) == 0
    engine.feed(writer, b"x")
    seen = [engine.read(address, abi.word_bytes) for address in (read, pid)]
    assert seen == [encode_words(abi, [1]), bytes(abi.word_bytes)]


@pytest.mark.parametrize("whence", [5, 0xFFFF_FFFF])
def test_a_whence_that_linux_has_not_is_looked_at_before_the_pipe(abi: Abi, whence: int) -> None:
    engine = ReferenceEngine(abi)
    reader, _ = engine.pipe()
    assert engine.kernel.sys_lseek([reader, 0, whence, 0, 0, 0]) == -EINVAL
    assert engine.kernel.sys_lseek([reader, 0, 4, 0, 0, 0]) == -ESPIPE


def test_a_write_of_no_bytes_is_well_though_nobody_reads(abi: Abi) -> None:
    engine = ReferenceEngine(abi)
    reader, writer = engine.pipe()
    engine.close_fd(reader)
    at = engine.map(8)
    assert engine.kernel.sys_write([writer, at, 0, 0, 0, 0]) == 0
    assert engine.kernel.sys_write([writer, at, 1, 0, 0, 0]) == -EPIPE


def test_the_wrong_end_of_a_pipe_is_looked_at_before_memory(abi: Abi) -> None:
    engine = ReferenceEngine(abi)
    reader, writer = engine.pipe()
    assert engine.kernel.sys_read([writer, 16, 1, 0, 0, 0]) == -EBADF
    assert engine.kernel.sys_write([reader, 16, 1, 0, 0, 0]) == -EBADF
    assert engine.kernel.sys_write([writer, 16, 1, 0, 0, 0]) == -EFAULT


def test_the_same_seed_gives_the_same_trace(abi: Abi) -> None:
    def run() -> list[Event]:
        events: list[Event] = []
        bench = Bench(ReferenceEngine(abi, chooser=seeded(7), trace=events.append))
        for index in range(4):
            atom = bench.atom(index, SysletUatom(int(Flag.ASYNC), GETPID[abi.word_bytes]))
            assert bench.engine.exec(atom, bench.head) == 0
        assert bench.engine.wait(4, 0, bench.head) == 0
        return events

    first = run()
    assert first == run()
    assert [event.step for event in first].count("post") == 4


def test_wait_blocks_its_thread_until_another_thread_feeds_the_pipe(abi: Abi) -> None:
    bench = Bench(ReferenceEngine(abi))
    engine = bench.engine
    reader, writer = engine.pipe()
    args = [bench.word(0, reader), bench.word(1, bench.words + 64), bench.word(2, 1)]
    atom = bench.atom(0, SysletUatom(0, READ[abi.word_bytes], 0, 0, *args))
    assert engine.exec(atom, bench.head) == 0
    words: list[int] = []
    waiter = threading.Thread(target=lambda: words.append(engine.wait(1, 0, bench.head)))
    waiter.start()
    for _ in range(100):
        assert bench.slots() == [0, 0, 0, 0]
    assert words == []
    engine.feed(writer, b"x")
    waiter.join(10)
    assert words == [0]
    assert bench.slots() == [atom, 0, 0, 0]


def test_closing_the_engine_ends_a_wait_that_blocks(abi: Abi) -> None:
    bench = Bench(ReferenceEngine(abi))
    reader, _ = bench.engine.pipe()
    args = [bench.word(0, reader), bench.word(1, bench.words + 64), bench.word(2, 1)]
    atom = bench.atom(0, SysletUatom(0, READ[abi.word_bytes], 0, 0, *args))
    assert bench.engine.exec(atom, bench.head) == 0
    words: list[int] = []

    def wait() -> None:
        with contextlib.suppress(SysletError):  # closed before it was called
            words.append(bench.engine.wait(1, 0, bench.head))

    waiter = threading.Thread(target=wait)
    waiter.start()
    for _ in range(100):
        bench.slots()
    bench.engine.close()
    waiter.join(10)
    assert not waiter.is_alive()
    assert words in ([], [-EINTR & abi.word_mask])


def test_the_trace_of_a_cached_atom_names_every_step(abi: Abi) -> None:
    events: list[Event] = []
    bench = Bench(ReferenceEngine(abi, trace=events.append))
    result = bench.word(0, 0)
    nr = GETPID[abi.word_bytes]
    atom = bench.atom(0, SysletUatom(int(Flag.STOP_ON_ZERO), nr, result))
    assert bench.engine.exec(atom, bench.head) == atom
    assert [(event.step, event.detail) for event in events] == [
        ("fetch", {"flags": 0x10, "nr": nr, "ret_ptr": result, "next": 0}),
        ("call", {"nr": nr, "name": "getpid"}),
        ("result", {"result": PID}),
        ("store", {"ret_ptr": result, "value": PID}),
        ("stop", {"stopped": 0}),
        ("successor", {"next": 0}),
        ("return", {"word": atom}),
    ]
