"""Area chaining: an atom is read when its turn comes, and that of one is over before."""

from __future__ import annotations

from functools import partial

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Ran, Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.steps import (
    assert_drained,
    assert_slots,
    assert_still_blocked,
    assert_succeeded,
    assert_words,
    block,
    fed,
    until_word,
)
from syslet_layouts import FieldPlace, Flag, encode_words

# -- fetched on the fly -----------------------------------------------------------------

UNCHANGED = {"x": 1, "y": 0, "got": 1, "other": 7, "third": 1, "fourth": 0}
"""What `_changeable` leaves in its variables when nothing is changed."""

CHANGES = {
    "flags": {"third": 0},
    "nr": {"x": 0},
    "ret_ptr": {"got": 7, "other": 1},
    "next": {"third": 0, "fourth": 1},
    "arg_ptr[0]": {"x": 0, "y": 1},
    "arg_ptr[1]": {"x": 10, "got": 10},
}
"""Each field of ``second`` that is changed, and what is different then."""

ENDS = {"flags": "second", "next": "fourth_atom"}
"""The final atom, where it is not ``third_atom``."""


def _changeable(build: Build) -> None:
    """``second`` adds ``one`` to x, and goes on at ``third``; ``twin`` is a copy of it.

    One word further than where its pointers point lies what they point to once they are
    changed, and one atom further than ``third`` lies ``fourth``.
    """
    x, y = build.word(label="x"), build.word(label="y")
    to_x, _ = build.word(x, label="to_x"), build.word(y, label="to_y")
    one, _ = build.word(1, label="one"), build.word(10, label="ten")
    got, _ = build.word(7, label="got"), build.word(7, label="other")
    third, fourth = build.word(label="third"), build.word(label="fourth")
    for label in ("second", "twin"):
        build.atom("umem_add", to_x, one, ret=got, next=Address("third_atom"), label=label)
    build.add(third, label="third_atom")
    build.add(fourth, label="fourth_atom")


def _finish(
    rig: Rig, session: Session, reader: Address, pipe: str, data: bytes, blocks: bool
) -> Ran:
    """Run a reader to its end: its data is there before it is, or comes once it is blocked."""
    if blocks:
        block(rig, session, reader)
        return fed(rig, session, pipe, data)
    session.feed(pipe, data)
    return rig.finish(session, reader)


def _place(rig: Rig, field: str) -> FieldPlace:
    return next(place for place in rig.abi.atom_places if place.name == field)


def _difference(rig: Rig, field: str) -> int:
    """By how much `field` of ``second`` is changed."""
    if field == "nr":
        return rig.number("getpid") - rig.number("umem_add")
    differences = {"flags": int(Flag.STOP_ON_NONZERO), "next": rig.abi.atom_size}
    return differences.get(field, rig.abi.word_bytes)


def _in_word(rig: Rig, field: str, difference: int) -> tuple[int, int]:
    """The offset of the word that holds `field`, and what changes the field when added to it."""
    abi, place = rig.abi, _place(rig, field)
    before = place.offset % abi.word_bytes
    after = abi.word_bytes - place.size_bytes - before
    lower = before if abi.byteorder == "little" else after
    return place.offset - before, difference << 8 * lower


def _changed_bytes(rig: Rig, session: Session, field: str) -> bytes:
    """The bytes of `field` of ``second`` after the change."""
    place, order = _place(rig, field), rig.abi.byteorder
    data = rig.engine.read(session.address("second") + place.offset, place.size_bytes)
    number = int.from_bytes(data, order) + _difference(rig, field)
    return number.to_bytes(place.size_bytes, order)


def _assert_changed(rig: Rig, session: Session, ran: Ran, field: str) -> None:
    expected = UNCHANGED | CHANGES[field]
    if field == "nr":
        del expected["got"]
    assert_words(session, **expected)
    rig.assert_ended_at(session, ran, Address(ENDS.get(field, "third_atom")))


@checks("chain.fetched-on-the-fly", "result.before-next-fetch")
@pytest.mark.both_modes
@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("by", ["umem_add", "result"])
def test_an_atom_runs_as_the_one_before_it_has_changed_it(rig: Rig, field: str, by: str) -> None:
    offset, inc = _in_word(rig, field, _difference(rig, field))
    build = Build()
    _changeable(build)
    target, following = Address("second", offset), Address("second")
    if by == "umem_add":
        first = build.add(target, inc, next=following, label="first")
    else:
        first = build.add(Address("twin", offset), inc, ret=target, next=following, label="first")
    session, ran = rig.run(build, first)
    _assert_changed(rig, session, ran, field)


@checks("chain.fetched-on-the-fly", "chain.sequential")
@pytest.mark.both_modes
@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("blocks", [False, True], ids=["data-waiting", "cachemiss"])
def test_an_atom_runs_as_a_read_has_changed_it(rig: Rig, field: str, blocks: bool) -> None:
    place = _place(rig, field)
    build = Build()
    pipe = build.pipe()
    _changeable(build)
    into = Address("second", place.offset)
    first = build.read(pipe, place.size_bytes, into=into, next=Address("second"), label="first")
    session = rig.load(build, first)
    data = _changed_bytes(rig, session, field)
    ran = _finish(rig, session, first, pipe, data, blocks)
    _assert_changed(rig, session, ran, field)


@checks("chain.fetched-on-the-fly", "chain.sequential")
@pytest.mark.both_modes
@pytest.mark.parametrize("field", CHANGES)
def test_an_atom_runs_as_it_was_changed_while_the_one_before_it_was_blocked(
    rig: Rig, field: str
) -> None:
    build = Build()
    pipe = build.pipe()
    _changeable(build)
    first = build.read(pipe, next=Address("second"), label="first")
    session = rig.load(build, first)
    block(rig, session, first)
    data = _changed_bytes(rig, session, field)
    session.write(Address("second", _place(rig, field).offset), data)
    _assert_changed(rig, session, fed(rig, session, pipe, b"x"), field)


@checks("chain.fetched-on-the-fly")
@pytest.mark.both_modes
@pytest.mark.parametrize("between", [1, 5])
def test_an_atom_far_ahead_runs_as_it_was_changed(rig: Rig, between: int) -> None:
    build = Build()
    count, wrong = build.word(label="count"), build.word(label="wrong")
    offset, inc = _in_word(rig, "flags", Flag.STOP_ON_NONZERO)
    first = build.add(Address("ahead", offset), inc, next=Address("atom_0"), label="first")
    for turn in range(between):
        following = "ahead" if turn + 1 == between else f"atom_{turn + 1}"
        build.add(count, next=Address(following), label=f"atom_{turn}")
    ahead = build.add(count, next=Address("never"), label="ahead")
    build.add(wrong, label="never")
    session, ran = rig.run(build, first)
    assert_words(session, count=between + 1, wrong=0)
    rig.assert_ended_at(session, ran, ahead)


@checks("chain.fetched-on-the-fly", "chain.null-ends")
@pytest.mark.both_modes
def test_a_next_that_becomes_null_on_the_way_ends_the_syslet(rig: Rig) -> None:
    build = Build()
    pipe, size = build.pipe(), rig.abi.word_bytes
    count, wrong = build.word(label="count"), build.word(label="wrong")
    where = Address("second", rig.abi.atom_offsets["next"])
    first = build.read(pipe, size, into=where, next=Address("second"), label="first")
    second = build.add(count, next=Address("never"), label="second")
    build.add(wrong, label="never")
    session = rig.load(build, first)
    session.feed(pipe, bytes(size))
    ran = rig.finish(session, first)
    assert_words(session, count=1, wrong=0)
    rig.assert_ended_at(session, ran, second)


@checks("chain.fetched-on-the-fly")
@pytest.mark.both_modes
@pytest.mark.parametrize("blocks", [False, True], ids=["data-waiting", "cachemiss"])
def test_an_atom_that_came_out_of_a_pipe_runs(rig: Rig, blocks: bool) -> None:
    build = Build()
    pipe, count, size = build.pipe(), build.word(label="count"), rig.abi.atom_size
    made = build.buffer(size, label="made")
    first = build.read(pipe, size, into=made, next=made, label="first")
    last = build.add(count, 10, label="last")
    sample = build.add(count, 1, next=last, label="sample")
    session = rig.load(build, first)
    data = rig.engine.read(session.address(sample), size)
    ran = _finish(rig, session, first, pipe, data, blocks)
    assert_words(session, count=11)
    rig.assert_ended_at(session, ran, last)


@checks("chain.fetched-on-the-fly", "chain.any-graph")
@pytest.mark.both_modes
def test_an_atom_that_changes_itself_runs_changed_in_its_next_turn(rig: Rig) -> None:
    build = Build()
    word_bytes = rig.abi.word_bytes
    own = Address("turn", rig.abi.atom_offsets["arg_ptr[0]"])
    targets, inc = build.words(own, Address("x"), label="targets"), build.word(word_bytes)
    fuel, _ = build.word(-3, label="fuel"), build.word(label="x")
    turn = build.atom("umem_add", targets, inc, next=Address("burn"), label="turn")
    burn = build.add(fuel, flags=Flag.STOP_ON_ZERO, next=turn, label="burn")
    session, ran = rig.run(build, turn)
    assert_words(session, fuel=0, x=2 * word_bytes)
    rig.assert_ended_at(session, ran, burn)


@checks("chain.fetched-on-the-fly")
@pytest.mark.both_modes
def test_an_atom_of_a_loop_runs_as_it_was_changed_between_its_turns(rig: Rig) -> None:
    build = Build()
    pipe, x, y = build.pipe(), build.word(label="x"), build.word(label="y")
    reads = build.read(pipe, flags=Flag.STOP_ON_ZERO, next=Address("adds"), label="reads")
    adds = build.add(x, next=reads, label="adds")
    sample = build.add(y, 10, flags=Flag.STOP_ON_NONZERO, next=reads, label="sample")
    session = rig.load(build, reads)
    block(rig, session, reads)
    for turns in (1, 2):
        session.feed(pipe, b"x")
        until_word(rig, session, "x", turns)
    changed = rig.engine.read(session.address(sample), rig.abi.atom_size)
    session.write(adds, changed)
    session.feed(pipe, b"x")
    session.close_end(f"{pipe}.write")
    assert_succeeded(rig, session.wait(1))
    assert_words(session, x=2, y=10)
    assert_slots(session, adds, 0, 0, 0)


# -- sequential -------------------------------------------------------------------------


@checks("chain.sequential")
@pytest.mark.both_modes
def test_nothing_of_a_later_atom_happens_while_an_earlier_one_is_blocked(rig: Rig) -> None:
    build = Build()
    pipe, log, count = build.pipe(), build.pipe("log"), build.word(label="count")
    first = build.read(pipe, next=Address("writes"), label="first")
    build.write(log, b"later", next=Address("adds"), label="writes")
    last = build.add(count, label="adds")
    session = rig.load(build, first)
    block(rig, session, first)
    call = session.start_wait(1)
    assert_still_blocked(session, call, "the first atom reads an empty pipe")
    assert_drained(session, log, b"", "while the first atom is blocked")
    assert_words(session, count=0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, call.join())
    assert_drained(session, log, b"later")
    assert_words(session, count=1)
    assert_slots(session, last, 0, 0, 0)


@checks("chain.sequential")
@pytest.mark.both_modes
def test_each_of_several_cachemisses_holds_back_what_follows_it(rig: Rig) -> None:
    build = Build()
    log, pipes = build.pipe("log"), [build.pipe() for _ in range(4)]
    for number, pipe in enumerate(pipes):
        build.read(pipe, next=Address(f"writes_{number}"), label=f"reads_{number}")
        following = Address(f"reads_{number + 1}") if pipe != pipes[-1] else NULL
        build.write(log, b"%d" % number, next=following, label=f"writes_{number}")
    first = Address("reads_0")
    session = rig.load(build, first)
    block(rig, session, first)
    call = session.start_wait(1)
    for number, may_be_written in ((2, b""), (0, b"0"), (1, b"12")):
        session.feed(pipes[number], b"x")
        written = bytearray()
        rig.until(partial(_collects, session, log, written, len(may_be_written)), "the next writes")
        assert_still_blocked(session, call, "a read has no data yet")
        written += session.drain(log, 10)
        assert written == may_be_written, (
            f"log after feeding pipe {number}: expected {may_be_written!r}, got {bytes(written)!r}"
        )
    session.feed(pipes[3], b"x")
    assert_succeeded(rig, call.join())
    assert_drained(session, log, b"3")
    assert_slots(session, Address("writes_3"), 0, 0, 0)


def _collects(session: Session, pipe: str, into: bytearray, wanted: int) -> bool:
    into += session.drain(pipe, 10)
    return len(into) >= wanted


@checks("chain.sequential")
def test_nothing_of_a_later_atom_happens_while_a_sync_atom_blocks_its_caller(rig: Rig) -> None:
    build = Build()
    pipe, log = build.pipe(), build.pipe("log")
    first = build.read(pipe, flags=Flag.SYNC, next=Address("writes"), label="first")
    build.write(log, b"later", flags=Flag.SYNC, label="writes")
    session = rig.load(build)
    call = session.start_exec(first)
    assert_still_blocked(session, call, "SYNC and an empty pipe")
    assert_drained(session, log, b"", "while the first atom is blocked")
    session.feed(pipe, b"x")
    assert not rig.is_error(call.join()), f"exec: expected success, got {rig.errno(call.join())}"
    assert_drained(session, log, b"later")


@checks("chain.sequential", "chain.next")
@pytest.mark.both_modes
def test_writes_of_one_syslet_come_in_its_order(rig: Rig) -> None:
    build = Build()
    log = build.pipe("log")
    letters = b"abcdefghijklmnopqrst"
    for number in reversed(range(len(letters))):
        following = Address(f"writes_{number + 1}") if number + 1 < len(letters) else NULL
        letter = letters[number : number + 1]
        build.write(log, letter, next=following, label=f"writes_{number}")
    session, _ = rig.run(build, Address("writes_0"))
    assert_drained(session, log, letters)


@checks("chain.sequential", "arg.by-pointer")
@pytest.mark.both_modes
@pytest.mark.parametrize("blocks", [False, True], ids=["data-waiting", "cachemiss"])
def test_what_a_read_brings_is_there_for_the_atom_after_it(rig: Rig, blocks: bool) -> None:
    size = rig.abi.word_bytes
    build = Build()
    pipe, total = build.pipe(), build.word(label="total")
    brought, got = build.word(1000, label="brought"), build.word(label="got")
    first = build.read(pipe, size, into=brought, ret=got, next=Address("adds"), label="first")
    to_total = build.word(total)
    build.atom("umem_add", to_total, brought, next=Address("counts"), label="adds")
    last = build.atom("umem_add", to_total, got, label="counts")
    session = rig.load(build, first)
    data = encode_words(rig.abi, [42])
    ran = _finish(rig, session, first, pipe, data, blocks)
    assert_words(session, brought=42, got=size, total=42 + size)
    rig.assert_ended_at(session, ran, last)
