"""Area running: where a syslet runs, what exec returns, and what goes on without it."""

from __future__ import annotations

from functools import partial

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Hang, Session
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_still_blocked,
    assert_succeeded,
    block,
    complete,
    readers,
)
from syslet_layouts import Flag


def assert_cached(rig: Rig, session: Session, first: Address, word: int) -> None:
    """Exec returned the submitted atom, and nothing is in the ring."""
    got = rig.errno(word) if rig.is_error(word) else session.name(word)
    assert word == session.address(first), f"exec: expected &{first.label}, got {got}"
    assert not any(session.slots()), f"ring: expected no entry, got {session.slots()}"


def assert_not_null(rig: Rig, word: int) -> None:
    """Exec returned an address; whether it is the first or the final atom is not asked here."""
    assert word, "exec: expected an address, got NULL"
    assert not rig.is_error(word), f"exec: expected an address, got {rig.errno(word)}"


def assert_null(rig: Rig, word: int) -> None:
    """Exec returned NULL."""
    assert word == 0, f"exec: expected NULL, got {rig.errno(word):#x}"


def assert_word(session: Session, label: str, expected: int) -> None:
    """A variable holds that."""
    got = session.word(label)
    assert got == expected, f"{label}: expected {expected}, got {got}"


def _holds(session: Session, label: str, value: int) -> bool:
    return session.word(label) == value


def _is_taken(session: Session, slot: int) -> bool:
    return session.slots()[slot] != 0


# -- cached -----------------------------------------------------------------------------


@checks("exec.cached-returns-submitted")
@pytest.mark.parametrize("length", [1, 2, 6])
def test_exec_returns_the_first_atom_of_a_chain_written_back_to_front(
    rig: Rig, length: int
) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.add(count)
    for _ in range(length - 1):
        first = build.add(count, next=first)
    session = rig.load(build)
    assert_cached(rig, session, first, session.exec(first))
    assert_word(session, "count", length)


@checks("exec.cached-returns-submitted")
def test_exec_returns_the_submitted_atom_though_others_lead_to_it(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    build.add(count, 100, next=Address("submitted"), label="before")
    submitted = build.add(count, 1, next=Address("after"), label="submitted")
    build.add(count, 1, label="after")
    session = rig.load(build)
    assert_cached(rig, session, submitted, session.exec(submitted))
    assert_word(session, "count", 2)


@checks("exec.cached-returns-submitted")
@pytest.mark.parametrize("skip", [False, True], ids=["stopped", "skipped"])
def test_exec_returns_the_first_atom_however_the_syslet_ended(rig: Rig, skip: bool) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.add(count, next=Address("stopping"), label="first")
    flags = Flag.STOP_ON_ZERO | (Flag.SKIP_TO_NEXT_ON_STOP if skip else 0)
    build.result(0, flags=flags, label="stopping")
    build.add(count, label="last")
    session = rig.load(build)
    assert_cached(rig, session, first, session.exec(first))
    assert_word(session, "count", 2 if skip else 1)


@checks("exec.cached-returns-submitted")
def test_exec_returns_the_first_atom_of_a_loop(rig: Rig) -> None:
    build = Build()
    count = build.word(-5, label="count")
    first = build.result(1, next=Address("turn"), label="first")
    build.add(count, flags=Flag.STOP_ON_ZERO, next=first, label="turn")
    session = rig.load(build)
    assert_cached(rig, session, first, session.exec(first))
    assert_word(session, "count", 0)


@checks("exec.cached-when-nothing-can-block", "exec.one-outcome")
@pytest.mark.parametrize("call", ["getpid", "umem_add"])
@pytest.mark.parametrize("length", [1, 10])
def test_calls_that_cannot_block_run_cached_every_time(rig: Rig, call: str, length: int) -> None:
    build = Build()
    variable = build.word()
    following: Address | int = NULL
    for _ in range(length):
        if call == "getpid":
            following = build.atom("getpid", next=following)
        else:
            following = build.add(variable, next=following)
    session = rig.load(build)
    for _ in range(50):
        assert_not_null(rig, session.exec(following))
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.cached-when-nothing-can-block")
def test_calls_that_cannot_block_run_cached_while_others_are_blocked(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    cached = build.atom("getpid", next=Address("adds"))
    build.add(count, label="adds")
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build)
    block(rig, session, pending)
    for turn in range(20):
        assert_not_null(rig, session.exec(cached))
        assert_word(session, "count", turn + 1)
    assert_slots(session, 0, 0, 0, 0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, pending, 0, 0, 0)


@checks("exec.cached-when-nothing-can-block")
def test_the_atoms_may_be_gone_when_a_cached_exec_has_returned(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    build.section("stack")
    first = build.add(count, next=Address("second"), label="first")
    build.atom("getpid", label="second")
    session = rig.load(build)
    assert_not_null(rig, session.exec(first))
    assert_word(session, "count", 1)
    rig.engine.unmap(session.bases.pop())
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, 0, 0, 0, 0)
    again = Build()
    atom = again.result(1)
    other = rig.load(again)
    assert_not_null(rig, other.exec(atom))


@checks("exec.cached-when-nothing-blocks")
@pytest.mark.parametrize("count", [1, 4, 5], ids=["some", "all", "more-than-there-is"])
def test_a_read_with_data_waiting_runs_cached(rig: Rig, count: int) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    first = build.read(pipe, count, ret=got)
    session = rig.load(build)
    session.feed(pipe, b"data")
    assert_not_null(rig, session.exec(first))
    assert_word(session, "got", min(count, 4))
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.cached-when-nothing-blocks")
def test_a_write_into_a_pipe_with_room_and_its_read_run_cached(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    first = build.write(pipe, b"data", next=Address("reads"))
    build.read(pipe, 4, into=build.buffer(4, label="into"), ret=got, label="reads")
    session = rig.load(build)
    assert_not_null(rig, session.exec(first))
    assert_word(session, "got", 4)
    data = rig.engine.read(session.address("into"), 4)
    assert data == b"data", f"into: expected b'data', got {data!r}"
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.cached-when-nothing-blocks")
def test_a_read_at_the_end_of_a_closed_pipe_runs_cached(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(-1, label="got")
    first = build.read(pipe, ret=got)
    session = rig.load(build)
    session.close_end(f"{pipe}.write")
    assert_not_null(rig, session.exec(first))
    assert_word(session, "got", 0)
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.returns-final")
def test_what_a_cached_chain_returns_is_recorded(rig: Rig) -> None:
    build = Build()
    first = build.result(1, next=Address("middle"), label="first")
    build.result(1, next=Address("final"), label="middle")
    build.result(1, label="final")
    session = rig.load(build)
    word = session.exec(first)
    answers = {session.address("first"): "first", session.address("final"): "final"}
    assert word in answers, f"exec: expected &first or &final, got {session.name(word)}"
    rig.characteristic("cached-return", answers[word])


# -- cachemiss --------------------------------------------------------------------------


@checks("exec.cachemiss-returns-null")
@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize("after", [0, 3])
def test_exec_returns_null_wherever_the_syslet_blocks(rig: Rig, before: int, after: int) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(-7, label="got")
    early, late = build.word(label="early"), build.word(label="late")
    following: Address | int = NULL
    for _ in range(after):
        following = build.add(late, next=following)
    last_of_all = build.code[0].label if after else "reads"
    following = build.read(pipe, next=following, ret=got, label="reads")
    for _ in range(before):
        following = build.add(early, next=following)
    session = rig.load(build)
    assert_null(rig, session.exec(following))
    assert_word(session, "early", before)
    assert_word(session, "got", -7)
    assert_slots(session, 0, 0, 0, 0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_word(session, "got", 1)
    assert_word(session, "late", after)
    assert_slots(session, Address(last_of_all), 0, 0, 0)


@checks("exec.cachemiss-returns-null")
def test_the_blocked_call_goes_on_beside_the_caller(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(label="got")
    reads = build.read(pipe, 4, into=build.buffer(4, label="into"), ret=got, label="reads")
    writes = build.write(pipe, b"data", label="writes")
    session = rig.load(build)
    block(rig, session, reads)
    assert_word(session, "got", 0)
    session.exec(writes)
    rig.until(lambda: session.address("reads") in session.slots(), "the entry of the read")
    assert_word(session, "got", 4)
    data = rig.engine.read(session.address("into"), 4)
    assert data == b"data", f"into: expected b'data', got {data!r}"
    assert_succeeded(rig, session.wait(2))


@checks("exec.continues-alone")
@pytest.mark.usefixtures("mode")
def test_the_rest_of_a_syslet_runs_with_no_further_call(rig: Rig) -> None:
    build = Build()
    pipe, count = build.pipe(), build.word(label="count")
    first = build.add(count, next=Address("reads"), label="first")
    build.read(pipe, next=Address("rest0"), label="reads")
    for index in range(20):
        build.add(count, next=Address(f"rest{index + 1}"), label=f"rest{index}")
    last = build.add(count, label="rest20")
    session = rig.load(build, first)
    assert_null(rig, session.exec(first))
    session.feed(pipe, b"x")
    rig.until(lambda: session.slots()[0] != 0, "an entry with no further call")
    assert_word(session, "count", 22)
    assert_slots(session, last, 0, 0, 0)


@checks("exec.continues-alone", "exec.one-outcome")
@pytest.mark.usefixtures("mode")
def test_a_syslet_that_blocks_several_times_goes_on_alone_each_time(rig: Rig) -> None:
    build = Build()
    pipes, count = [build.pipe() for _ in range(3)], build.word(label="count")
    for index, pipe in enumerate(pipes):
        build.read(pipe, next=Address(f"adds{index}"), label=f"reads{index}")
        following: Address | int = Address(f"reads{index + 1}") if index < 2 else NULL
        build.add(count, next=following, label=f"adds{index}")
    first = Address("reads0")
    session = rig.load(build, first)
    assert_null(rig, session.exec(first))
    for index, pipe in enumerate(pipes):
        assert_word(session, "count", index)
        assert_slots(session, 0, 0, 0, 0)
        session.feed(pipe, b"x")
        rig.until(partial(_holds, session, "count", index + 1), "the atom after the read")
    rig.until(lambda: session.slots()[0] != 0, "an entry with no further call")
    assert_slots(session, Address("adds2"), 0, 0, 0)


# -- many -------------------------------------------------------------------------------


@checks("exec.many-blocked", "exec.one-outcome")
def test_64_blocked_syslets_complete_once_each_in_the_order_of_their_data(rig: Rig) -> None:
    build = Build(64)
    blocked = readers(build, 64)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    assert_slots(session, *[0] * 64)
    backwards = blocked[::-1]
    for count, (pipe, _) in enumerate(backwards):
        session.feed(pipe, b"x")
        rig.until(partial(_is_taken, session, count), f"entry {count}")
    assert_succeeded(rig, session.wait(64))
    assert_slots(session, *(atom for _, atom in backwards))


@checks("exec.many-blocked")
def test_others_complete_while_64_syslets_are_blocked(rig: Rig) -> None:
    build = Build(68)
    count = build.word(label="count")
    cached = build.add(count, label="cached")
    asynchronous = [build.add(count, flags=Flag.ASYNC) for _ in range(3)]
    [(other_pipe, other)] = readers(build, 1)
    blocked = readers(build, 64)
    session = rig.load(build)
    block(rig, session, *(atom for _, atom in blocked))
    assert_not_null(rig, session.exec(cached))
    complete(rig, session, *asynchronous)
    assert_word(session, "count", 4)
    block(rig, session, other)
    session.feed(other_pipe, b"x")
    assert_succeeded(rig, session.wait(4))
    assert_slots(session, *asynchronous, other, *[0] * 64)
    for pipe, _ in blocked:
        session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(68))
    got, expected = session.slots()[4:], [session.address(atom) for _, atom in blocked]
    assert sorted(got) == sorted(expected), (
        f"expected each of 64 once, got {len(set(got) & set(expected))} of them"
    )


THOUSAND = 1_000
"""How many an engine SHOULD carry; 64 is what it MUST."""


@checks("exec.many-blocked")
def test_of_1000_syslets_all_that_the_engine_took_complete_once_each(rig: Rig) -> None:
    build = Build(THOUSAND)
    pipe = build.pipe()
    atoms = [build.read(pipe, ret=build.word(label=f"got{i}")) for i in range(THOUSAND)]
    session = rig.load(build)
    taken = 0
    for atom in atoms:
        try:
            word = session.exec(atom)
        except Hang:
            if taken < 64:
                raise
            break
        if rig.is_error(word):
            break
        assert_null(rig, word)
        taken += 1
    rig.characteristic("blocked-at-once", str(taken))
    assert taken >= 64, f"expected 64 blocked at once, got {taken}"
    assert not any(session.slots()), "ring: expected no entry before the pipe is fed, got some"
    session.feed(pipe, b"x" * taken)
    assert_succeeded(rig, session.wait(taken))
    if taken < THOUSAND:
        return
    got, expected = session.slots(), [session.address(atom) for atom in atoms]
    assert sorted(got) == sorted(expected), (
        f"expected each of {THOUSAND} once, got {len(set(got) & set(expected))} of them"
    )
    done = [session.word(f"got{i}") for i in range(THOUSAND)].count(1)
    assert done == THOUSAND, f"expected {THOUSAND} results of 1, got {done}"


# -- ASYNC and SYNC ---------------------------------------------------------------------


@checks("exec.async-flag", "exec.one-outcome")
@pytest.mark.parametrize("call", ["getpid", "umem_add", "read-with-data"])
def test_async_gives_null_whatever_the_syscall(rig: Rig, call: str) -> None:
    build = Build()
    pipe = build.pipe()
    atoms = {
        "getpid": lambda: build.atom("getpid", flags=Flag.ASYNC),
        "umem_add": lambda: build.result(1, flags=Flag.ASYNC),
        "read-with-data": lambda: build.read(pipe, flags=Flag.ASYNC),
    }
    atom = atoms[call]()
    session = rig.load(build)
    session.feed(pipe, b"x")
    assert_null(rig, session.exec(atom))
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, atom, 0, 0, 0)


@checks("exec.async-flag")
def test_async_with_a_stop_flag_gives_null_and_the_entry_of_that_atom(rig: Rig) -> None:
    build = Build()
    reached = build.word(label="reached")
    first = build.result(
        0, flags=Flag.ASYNC | Flag.STOP_ON_ZERO, next=Address("second"), label="first"
    )
    build.add(reached, label="second")
    session = rig.load(build)
    assert_null(rig, session.exec(first))
    assert_succeeded(rig, session.wait(1))
    assert_word(session, "reached", 0)
    assert_slots(session, first, 0, 0, 0)


@checks("exec.sync-flag")
def test_exec_stays_in_a_sync_atom_until_it_is_fed(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(-7, label="got")
    first = build.read(pipe, flags=Flag.SYNC, ret=got, label="first")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    assert_word(session, "got", -7)
    session.feed(pipe, b"x")
    assert_cached(rig, session, first, call.join())
    assert_word(session, "got", 1)
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.sync-flag")
def test_a_chain_of_sync_atoms_stays_in_the_caller_to_its_end(rig: Rig) -> None:
    build = Build()
    pipes, count = [build.pipe() for _ in range(2)], build.word(label="count")
    first = build.read(pipes[0], flags=Flag.SYNC, next=Address("adds"), label="first")
    build.add(count, next=Address("again"), label="adds")
    build.read(pipes[1], flags=Flag.SYNC, next=Address("last"), label="again")
    build.add(count, label="last")
    session = rig.load(build)
    call = session.start_exec(first)
    for turn, pipe in enumerate(pipes):
        assert_still_blocked(session, call, f"{2 - turn} SYNC reads to come")
        assert_word(session, "count", turn)
        session.feed(pipe, b"x")
        rig.until(partial(_holds, session, "count", turn + 1), "the atom after the read")
    assert_not_null(rig, call.join())
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.sync-flag")
@pytest.mark.parametrize("call", ["umem_add", "read-with-data"])
def test_a_sync_atom_that_does_not_block_runs_cached(rig: Rig, call: str) -> None:
    build = Build()
    pipe = build.pipe()
    reads = call == "read-with-data"
    atom = build.read(pipe, flags=Flag.SYNC) if reads else build.result(1, flags=Flag.SYNC)
    session = rig.load(build)
    session.feed(pipe, b"x")
    assert_cached(rig, session, atom, session.exec(atom))


@checks("exec.sync-flag")
def test_a_sync_syslet_is_not_pending(rig: Rig) -> None:
    build = Build()
    pipe = build.pipe()
    first = build.read(pipe, flags=Flag.SYNC, label="first")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    assert_succeeded(rig, session.wait(1))
    session.feed(pipe, b"x")
    assert_cached(rig, session, first, call.join())


# -- flags per atom ---------------------------------------------------------------------


@checks("exec.flags-per-atom", "exec.async-flag")
def test_what_comes_before_an_async_atom_ran_in_the_caller(rig: Rig) -> None:
    build = Build()
    pipe = build.pipe()
    early, late = build.word(label="early"), build.word(label="late")
    first = build.add(early, next=Address("second"), label="first")
    build.add(early, next=Address("reads"), label="second")
    build.read(pipe, flags=Flag.ASYNC, next=Address("last"), label="reads")
    build.add(late, label="last")
    session = rig.load(build)
    assert_null(rig, session.exec(first))
    assert_word(session, "early", 2)
    assert_word(session, "late", 0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_word(session, "late", 1)
    assert_slots(session, Address("last"), 0, 0, 0)


@checks("exec.flags-per-atom", "exec.async-flag")
@pytest.mark.parametrize("position", [0, 1, 2])
def test_an_async_atom_anywhere_in_a_chain_gives_null_and_one_entry(
    rig: Rig, position: int
) -> None:
    build = Build()
    count = build.word(label="count")
    for index in range(3):
        following: Address | int = Address(f"atom_{index + 1}") if index < 2 else NULL
        flags = Flag.ASYNC if index == position else 0
        build.add(count, flags=flags, next=following, label=f"atom_{index}")
    session = rig.load(build)
    assert_null(rig, session.exec("atom_0"))
    assert_succeeded(rig, session.wait(1))
    assert_word(session, "count", 3)
    assert_slots(session, Address("atom_2"), 0, 0, 0)


@checks("exec.flags-per-atom")
@pytest.mark.usefixtures("mode")
def test_async_on_an_atom_of_a_syslet_that_is_asynchronous_changes_nothing(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.add(count, next=Address("second"), label="first")
    build.add(count, flags=Flag.ASYNC, next=Address("third"), label="second")
    third = build.add(count, flags=Flag.ASYNC, label="third")
    session = rig.load(build, first)
    assert_null(rig, session.exec(first))
    assert_succeeded(rig, session.wait(2))
    assert_word(session, "count", 3)
    assert_slots(session, third, 0, 0, 0)


@checks("exec.flags-per-atom", "exec.cached-when-nothing-can-block")
def test_an_async_atom_that_is_not_reached_does_not_count(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.result(0, flags=Flag.STOP_ON_ZERO, next=Address("second"), label="first")
    build.add(count, flags=Flag.ASYNC, label="second")
    session = rig.load(build)
    assert_cached(rig, session, first, session.exec(first))
    assert_word(session, "count", 0)


@checks("exec.flags-per-atom")
@pytest.mark.parametrize("put", [False, True], ids=["taken-away", "put-there"])
def test_async_counts_as_it_stands_when_the_atom_is_reached(rig: Rig, put: bool) -> None:
    abi = rig.abi
    size = next(place.size_bytes for place in abi.atom_places if place.name == "flags")
    image = int(Flag.ASYNC).to_bytes(size, abi.byteorder).ljust(abi.word_bytes, b"\0")
    inc = int.from_bytes(image, abi.byteorder)
    build = Build()
    count = build.word(label="count")
    flags_word = Address("second", abi.atom_offsets["flags"])
    first = build.add(flags_word, inc if put else -inc, next=Address("second"), label="first")
    second = build.add(count, flags=0 if put else Flag.ASYNC, label="second")
    session = rig.load(build)
    word = session.exec(first)
    if put:
        assert_null(rig, word)
        assert_succeeded(rig, session.wait(1))
        assert_slots(session, second, 0, 0, 0)
    else:
        assert_not_null(rig, word)
        assert_slots(session, 0, 0, 0, 0)
    assert_word(session, "count", 1)


@checks("exec.flags-per-atom", "exec.sync-flag")
def test_sync_does_not_count_for_the_atom_after_it(rig: Rig) -> None:
    build = Build()
    pipes = [build.pipe() for _ in range(2)]
    first = build.read(pipes[0], flags=Flag.SYNC, next=Address("second"), label="first")
    second = build.read(pipes[1], label="second")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    session.feed(pipes[0], b"x")
    assert_null(rig, call.join())
    assert_slots(session, 0, 0, 0, 0)
    session.feed(pipes[1], b"x")
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, second, 0, 0, 0)


@checks("exec.flags-per-atom", "exec.cachemiss-returns-null")
def test_sync_on_a_later_atom_does_not_keep_an_earlier_one_in_the_caller(rig: Rig) -> None:
    build = Build()
    pipes = [build.pipe() for _ in range(2)]
    first = build.read(pipes[0], next=Address("second"), label="first")
    second = build.read(pipes[1], flags=Flag.SYNC, label="second")
    session = rig.load(build)
    assert_null(rig, session.exec(first))
    session.feed(pipes[0], b"x")
    call = session.start_wait(1)
    assert_still_blocked(session, call, "the second read is to come")
    assert_slots(session, 0, 0, 0, 0)
    session.feed(pipes[1], b"x")
    assert_succeeded(rig, call.join())
    assert_slots(session, second, 0, 0, 0)


@checks("exec.flags-per-atom", "exec.sync-flag", "exec.async-flag")
def test_an_async_atom_after_a_sync_one_goes_asynchronous_there(rig: Rig) -> None:
    build = Build()
    pipe, count = build.pipe(), build.word(label="count")
    first = build.read(pipe, flags=Flag.SYNC, next=Address("second"), label="first")
    second = build.add(count, flags=Flag.ASYNC, label="second")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    session.feed(pipe, b"x")
    assert_null(rig, call.join())
    assert_succeeded(rig, session.wait(1))
    assert_word(session, "count", 1)
    assert_slots(session, second, 0, 0, 0)


# -- one outcome ------------------------------------------------------------------------


@checks("exec.one-outcome")
@pytest.mark.parametrize("silent", [False, True], ids=["complete", "no_complete"])
@pytest.mark.parametrize("outcome", ["cached", "blocked", "async"])
def test_an_address_goes_with_no_entry_and_null_with_one(
    rig: Rig, outcome: str, silent: bool
) -> None:
    flags = Flag.NO_COMPLETE if silent else Flag(0)
    build = Build()
    pipe = build.pipe()
    if outcome == "blocked":
        atom = build.read(pipe, flags=flags)
    else:
        atom = build.result(1, flags=flags | (Flag.ASYNC if outcome == "async" else 0))
    session = rig.load(build)
    word = session.exec(atom)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(4))
    if outcome == "cached":
        assert_cached(rig, session, atom, word)
        return
    assert_null(rig, word)
    assert_slots(session, 0 if silent else atom, 0, 0, 0)


@checks("exec.one-outcome")
def test_a_negative_errno_goes_with_no_entry_and_nothing_pending(rig: Rig) -> None:
    build = Build()
    good = build.result(1, flags=Flag.ASYNC, label="good")
    session = rig.load(build)
    for _ in range(3):
        word = session.exec(NULL)
        assert rig.is_error(word), f"exec of NULL: expected a negative errno, got {word:#x}"
        assert_succeeded(rig, session.wait(1))
        assert_slots(session, 0, 0, 0, 0)
    assert_null(rig, session.exec(good))
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, good, 0, 0, 0)


@checks("exec.one-outcome")
def test_outcomes_one_after_the_other_leave_an_entry_for_each_null(rig: Rig) -> None:
    build = Build(8)
    cached = build.result(1, label="cached")
    asynchronous = build.result(1, flags=Flag.ASYNC, label="asynchronous")
    silent = build.result(1, flags=Flag.ASYNC | Flag.NO_COMPLETE, label="silent")
    [(pipe, blocked)] = readers(build, 1)
    session = rig.load(build)
    for _ in range(2):
        assert_not_null(rig, session.exec(cached))
        block(rig, session, blocked)
        block(rig, session, silent)
        assert rig.is_error(session.exec(NULL)), "exec of NULL: expected a negative errno"
        block(rig, session, asynchronous)
    session.feed(pipe, b"xx")
    assert_succeeded(rig, session.wait(8))
    got = sorted(session.name(entry) for entry in session.consume())
    expected = sorted(2 * [f"&{blocked.label}"] + 2 * ["&asynchronous"])
    assert got == expected, f"expected the entries {expected}, got {got}"


# -- no reentry -------------------------------------------------------------------------


def _need_number(rig: Rig, name: str) -> None:
    if rig.engine.syscall_number(name) is None:
        pytest.skip(f"the engine has no number for {name}")


@checks("exec.no-reentry")
@pytest.mark.usefixtures("mode")
def test_an_atom_that_names_exec_gets_a_negative_result_and_starts_nothing(rig: Rig) -> None:
    _need_number(rig, "async_exec")
    build = Build()
    build.ring(2, "other_ring", "other")
    inner, after = build.word(label="inner"), build.word(label="after")
    result = build.word(7, label="result")
    started = build.add(inner, flags=Flag.ASYNC, label="started")
    arguments = build.word(started), build.word(Address("other"))
    first = build.atom("async_exec", *arguments, next=Address("last"), ret=result, label="first")
    last = build.add(after, label="last")
    session, ran = rig.run(build, first)
    got = session.word("result")
    assert got < 0, f"result of async_exec: expected a negative number, got {got}"
    assert_word(session, "after", 1)
    rig.assert_ended_at(session, ran, last)
    assert_succeeded(rig, session.wait(1, "other"))
    assert_slots(session, 0, 0, head="other")
    assert_word(session, "inner", 0)


@checks("exec.no-reentry")
@pytest.mark.usefixtures("mode")
def test_an_atom_that_executes_itself_does_not_recurse(rig: Rig) -> None:
    _need_number(rig, "async_exec")
    build = Build()
    arguments = build.word(Address("first")), build.word(Address("head"))
    result = build.word(7, label="result")
    first = build.atom("async_exec", *arguments, ret=result, label="first")
    session, ran = rig.run(build, first)
    got = session.word("result")
    assert got < 0, f"result of async_exec: expected a negative number, got {got}"
    rig.assert_ended_at(session, ran, first)
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.no-reentry")
@pytest.mark.usefixtures("mode")
def test_an_atom_that_names_wait_gets_a_negative_result_and_does_not_wait(rig: Rig) -> None:
    _need_number(rig, "async_wait")
    build = Build()
    build.ring(2, "other_ring", "other")
    after, result = build.word(label="after"), build.word(7, label="result")
    arguments = build.word(1), build.word(0), build.word(Address("other"))
    first = build.atom("async_wait", *arguments, next=Address("last"), ret=result, label="first")
    last = build.add(after, label="last")
    [(pipe, pending)] = readers(build, 1)
    session = rig.load(build, first)
    block(rig, session, pending, head="other")
    ran = rig.finish(session, first)
    got = session.word("result")
    assert got < 0, f"result of async_wait: expected a negative number, got {got}"
    assert_word(session, "after", 1)
    rig.assert_ended_at(session, ran, last)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1, "other"))
    assert_slots(session, pending, 0, head="other")
