"""Area running: SYSLET_ASYNC and SYSLET_SYNC, which count at the atom that carries them."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.calls import Call
from syslet_conformance.program import NULL, Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_cached,
    assert_not_null,
    assert_null,
    assert_slots,
    assert_still_blocked,
    assert_succeeded,
    assert_words,
    block,
    complete,
    release,
    until_word,
)
from syslet_layouts import Flag

# -- ASYNC and SYNC ----------------------------------------------------------------------


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
    assert_words(session, reached=0)
    assert_slots(session, first, 0, 0, 0)


@checks("exec.sync-flag")
def test_exec_stays_in_a_sync_atom_until_it_is_fed(rig: Rig) -> None:
    build = Build()
    pipe, got = build.pipe(), build.word(-7, label="got")
    first = build.read(pipe, flags=Flag.SYNC, ret=got, label="first")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    assert_words(session, got=-7)
    session.feed(pipe, b"x")
    assert_cached(rig, session, first, call.join())
    assert_words(session, got=1)
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, 0, 0, 0, 0)


@checks("exec.sync-flag", "exec.many-blocked", "exec.continues-alone")
def test_others_go_on_while_a_sync_atom_blocks_its_caller(rig: Rig) -> None:
    build = Build()
    pipe, got, rest = build.pipe(), build.word(-7, label="got"), build.word(label="rest")
    sync = build.read(pipe, flags=Flag.SYNC, ret=got, next=Address("rests"), label="sync")
    build.add(rest, 5, label="rests")
    count = build.word(label="count")
    cached = build.add(count, label="cached")
    asynchronous = build.add(count, flags=Flag.ASYNC, label="asynchronous")
    other_pipe = build.pipe()
    reads = build.read(other_pipe, next=Address("adds"), label="reads")
    adds = build.add(count, label="adds")
    session = rig.load(build)
    block(rig, session, reads)
    call = session.start_exec(sync)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    assert_not_null(rig, session.exec(cached))
    complete(rig, session, asynchronous)
    release(rig, session, other_pipe)
    assert_words(session, count=3, got=-7, rest=0)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    assert_slots(session, asynchronous, adds, 0, 0)
    session.feed(pipe, b"x")
    assert_not_null(rig, call.join())
    assert_words(session, count=3, got=1, rest=5)
    assert_slots(session, asynchronous, adds, 0, 0)


@checks("exec.sync-flag", "exec.many-blocked")
def test_two_callers_are_blocked_in_sync_atoms_each_until_it_is_fed(rig: Rig) -> None:
    build = Build()
    pipes = [build.pipe() for _ in range(2)]
    got = [build.word(-7, label=label) for label in ("one", "two")]
    first, second = (
        build.read(pipe, flags=Flag.SYNC, ret=ret) for pipe, ret in zip(pipes, got, strict=True)
    )
    session = rig.load(build)
    calls: list[Call] = []
    for atom in (first, second):
        calls.append(session.start_exec(atom))
        assert_still_blocked(session, calls[-1], "SYNC and an empty pipe")
    session.feed(pipes[1], b"x")
    assert_cached(rig, session, second, calls[1].join())
    assert_words(session, one=-7, two=1)
    assert_still_blocked(session, calls[0], "SYNC and an empty pipe")
    session.feed(pipes[0], b"x")
    assert_cached(rig, session, first, calls[0].join())
    assert_words(session, one=1, two=1)


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
        assert_words(session, count=turn)
        session.feed(pipe, b"x")
        until_word(rig, session, "count", turn + 1)
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


@checks("exec.sync-flag", "wait.at-once")
def test_a_sync_syslet_that_blocked_leaves_nothing_to_wait_for(rig: Rig) -> None:
    build = Build()
    pipe = build.pipe()
    first = build.read(pipe, flags=Flag.SYNC, label="first")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    wait = session.start_wait(1)
    session.feed(pipe, b"x")
    assert_cached(rig, session, first, call.join())
    assert_succeeded(rig, wait.join())
    assert_succeeded(rig, session.wait(1))
    assert_slots(session, 0, 0, 0, 0)


# -- flags per atom ----------------------------------------------------------------------


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
    assert_words(session, early=2)
    assert_words(session, late=0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_words(session, late=1)
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
    assert_words(session, count=3)
    assert_slots(session, Address("atom_2"), 0, 0, 0)


@checks("exec.flags-per-atom")
@pytest.mark.both_modes
def test_async_on_an_atom_of_a_syslet_that_is_asynchronous_changes_nothing(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.add(count, next=Address("second"), label="first")
    build.add(count, flags=Flag.ASYNC, next=Address("third"), label="second")
    third = build.add(count, flags=Flag.ASYNC, label="third")
    session = rig.load(build, first)
    assert_null(rig, session.exec(first))
    assert_succeeded(rig, session.wait(2))
    assert_words(session, count=3)
    assert_slots(session, third, 0, 0, 0)


@checks("exec.flags-per-atom", "exec.cached-when-nothing-can-block")
def test_an_async_atom_that_is_not_reached_does_not_count(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.result(0, flags=Flag.STOP_ON_ZERO, next=Address("second"), label="first")
    build.add(count, flags=Flag.ASYNC, label="second")
    session = rig.load(build)
    assert_cached(rig, session, first, session.exec(first))
    assert_words(session, count=0)


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
    assert_words(session, count=1)


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


@checks("exec.flags-per-atom", "exec.sync-flag")
def test_sync_counts_at_a_later_atom_that_the_caller_has_come_to(rig: Rig) -> None:
    build = Build()
    pipe, count = build.pipe(), build.word(label="count")
    first = build.add(count, next=Address("second"), label="first")
    build.read(pipe, flags=Flag.SYNC, next=Address("last"), label="second")
    build.add(count, label="last")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe at the second atom")
    session.feed(pipe, b"x")
    assert_not_null(rig, call.join())
    assert_words(session, count=2)
    assert_slots(session, 0, 0, 0, 0)


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
    assert_words(session, count=1)
    assert_slots(session, second, 0, 0, 0)
