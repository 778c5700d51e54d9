"""Area chaining: on which results an atom stops, and that it is the last one then."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
    fed,
)
from syslet_conformance.suite.stop_table import COMBINATIONS, RESULTS, STOPPING, any_stops, value
from syslet_layouts import Flag

# -- the stop table ---------------------------------------------------------------------


def _assert_stops(rig: Rig, cases: dict[str, tuple[int, Flag, bool]]) -> None:
    """Under each name a result, flags, and whether an atom with these stops: else next runs."""
    build = Build()
    firsts: dict[str, Address] = {}
    for name, (result, flags, _) in cases.items():
        started = flags | rig.start_flags
        after = Address(f"after_{name}")
        firsts[name] = build.result(result, flags=started, next=after, label=f"first_{name}")
        build.add(build.word(label=name), label=after.label)
    session = rig.load(build)
    for name, (_, _, stops) in cases.items():
        ran = rig.finish(session, firsts[name])
        assert_words(session, **{name: 0 if stops else 1})
        rig.assert_ended_at(session, ran, firsts[name] if stops else Address(f"after_{name}"))


@checks("chain.stop-table", "chain.stop-ends")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("flag", STOPPING, ids=lambda flag: flag.name.lower())
def test_each_stop_flag_against_each_result(rig: Rig, flag: Flag, result: str) -> None:
    build = Build()
    reached = build.word(label="reached")
    first = build.result(value(rig.abi, result), flags=flag, next=Address("second"))
    second = build.add(reached, 1, label="second")
    session, ran = rig.run(build, first)
    stopped = any_stops(flag, result)
    assert_words(session, reached=0 if stopped else 1)
    rig.assert_ended_at(session, ran, first if stopped else second)


@checks("chain.stop-any-of", "chain.stop-table", "chain.next")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", RESULTS)
def test_every_combination_of_stop_flags_stops_where_one_of_them_does(
    rig: Rig, result: str
) -> None:
    number = value(rig.abi, result)
    cases = {
        f"flags_{int(flags):#04x}": (number, flags, any_stops(flags, result))
        for flags in COMBINATIONS
    }
    _assert_stops(rig, cases)


@checks("chain.stop-any-of")
@pytest.mark.both_modes
def test_two_flags_that_leave_no_result_out_always_stop(rig: Rig) -> None:
    build = Build()
    count, wrong = build.word(-3, label="count"), build.word(label="wrong")
    flags = Flag.STOP_ON_ZERO | Flag.STOP_ON_NONZERO
    first = build.add(count, flags=flags, next=Address("second"), label="first")
    build.add(wrong, label="second")
    session = rig.load(build, first)
    for expected in (-2, -1, 0, 1):
        ran = rig.finish(session, first)
        assert_words(session, count=expected, wrong=0)
        rig.assert_ended_at(session, ran, first)


@checks("chain.stop-table")
@pytest.mark.both_modes
@pytest.mark.parametrize("flag", STOPPING, ids=lambda flag: flag.name.lower())
def test_a_result_is_judged_as_a_whole_word(rig: Rig, flag: Flag) -> None:
    numbers = [
        number
        for bits in (8, 16, 31, 32, 33, 62)
        for number in (1 << bits, -(1 << bits), (1 << bits) - 1, 1 - (1 << bits))
        if rig.abi.word_min <= number <= rig.abi.word_max
    ]
    cases = {
        f"result_{hex(number).replace('-', 'minus_')}": (
            number,
            flag,
            any_stops(flag, "-1" if number < 0 else "1"),
        )
        for number in numbers
    }
    _assert_stops(rig, cases)


@checks("chain.stop-table", "chain.stop-ends")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", ["-1", "0", "1"], ids=["errno", "end-of-file", "a-byte"])
def test_the_result_of_a_read_is_judged_by_every_flag(rig: Rig, result: str) -> None:
    build = Build()
    pipe, into = build.pipe(), build.word(build.buffer(1))
    end = build.word(-1) if result == "-1" else Address(f"{pipe}.read")
    flags = rig.start_flags
    for number, flag in enumerate(STOPPING):
        reached, following = build.word(label=f"reached{number}"), Address(f"after_{number}")
        arguments = end, into, build.word(1)
        build.atom("read", *arguments, flags=flag | flags, next=following, label=f"first_{number}")
        build.add(reached, label=following.label)
    session = rig.load(build)
    if result == "1":
        session.feed(pipe, b"x" * len(STOPPING))
    session.close_end(f"{pipe}.write")
    for number, flag in enumerate(STOPPING):
        stops = any_stops(flag, result)
        ran = rig.finish(session, Address(f"first_{number}"))
        assert_words(session, **{f"reached{number}": 0 if stops else 1})
        rig.assert_ended_at(session, ran, Address(f"{'first' if stops else 'after'}_{number}"))


@checks("chain.stop-table", "chain.stop-ends", "chain.next")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", ["0", "1"], ids=["end-of-file", "a-byte"])
@pytest.mark.parametrize("flag", STOPPING, ids=lambda flag: flag.name.lower())
def test_a_result_that_came_after_a_cachemiss_is_judged_as_any_other(
    rig: Rig, flag: Flag, result: str
) -> None:
    build = Build()
    pipe, reached = build.pipe(), build.word(label="reached")
    first = build.read(pipe, flags=flag, next=Address("second"), label="first")
    second = build.add(reached, label="second")
    session = rig.load(build, first)
    block(rig, session, first)
    if result == "1":
        session.feed(pipe, b"x")
    else:
        session.close_end(f"{pipe}.write")
    assert_succeeded(rig, session.wait(1))
    stops = any_stops(flag, result)
    assert_words(session, reached=0 if stops else 1)
    assert_slots(session, first if stops else second, 0, 0, 0)


# -- a stop ends ------------------------------------------------------------------------


@checks("chain.stop-ends", "ring.entry-is-final-atom")
@pytest.mark.both_modes
@pytest.mark.parametrize("before", [0, 1, 3], ids=["first", "second", "fourth"])
@pytest.mark.parametrize("next_is", ["an-atom", "unmapped", "odd", "all-ones", "null"])
def test_a_stop_ends_the_syslet_whatever_next_holds(rig: Rig, before: int, next_is: str) -> None:
    build = Build()
    count, wrong = build.word(label="count"), build.word(label="wrong")
    following = {
        "an-atom": Address("elsewhere"),
        "unmapped": Address("gone"),
        "odd": Address("elsewhere", 1),
        "all-ones": -1,
        "null": NULL,
    }
    for turn in range(before):
        build.add(count, next=Address(f"atom_{turn + 1}"), label=f"atom_{turn}")
    flags, label = Flag.STOP_ON_NONZERO, f"atom_{before}"
    last = build.add(count, flags=flags, next=following[next_is], label=label)
    build.add(wrong)
    build.add(wrong, label="elsewhere")
    build.section("unmapped")
    build.add(wrong, label="gone")
    session = rig.load(build, Address("atom_0"))
    session.unmap("unmapped")
    ran = rig.finish(session, Address("atom_0"))
    assert_words(session, count=before + 1, wrong=0)
    rig.assert_ended_at(session, ran, last)


@checks("chain.stop-ends")
@pytest.mark.both_modes
def test_a_stop_after_a_cachemiss_does_not_look_at_next(rig: Rig) -> None:
    build = Build()
    pipe, wrong = build.pipe(), build.word(label="wrong")
    flags, following = Flag.STOP_ON_NONZERO, Address("gone")
    first = build.read(pipe, flags=flags, next=following, label="first")
    build.add(wrong)
    build.section("unmapped")
    build.add(wrong, label="gone")
    session = rig.load(build, first)
    session.unmap("unmapped")
    block(rig, session, first)
    rig.assert_ended_at(session, fed(rig, session, pipe, b"x"), first)
    assert_words(session, wrong=0)
