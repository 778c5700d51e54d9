"""Area skip: where a stop with SYSLET_SKIP_TO_NEXT_ON_STOP goes on."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Buffer
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
)
from syslet_conformance.suite.stop_table import (
    COMBINATIONS,
    RESULTS,
    SKIP,
    SKIP_ALWAYS,
    SKIP_ON_ZERO,
    any_stops,
    value,
)
from syslet_layouts import Flag

# -- the stride -------------------------------------------------------------------------


@checks("skip.stride", "skip.ignores-next", "skip.target-is-ordinary")
@pytest.mark.both_modes
@pytest.mark.parametrize("next_is", ["null", "an-atom", "unmapped", "odd", "all-ones"])
def test_a_stop_with_skip_runs_the_atom_a_full_stride_away(rig: Rig, next_is: str) -> None:
    following = {
        "null": NULL,
        "an-atom": Address("far_atom"),
        "unmapped": Address("gone"),
        "odd": Address("far_atom", 1),
        "all-ones": -1,
    }
    build = Build()
    near, far = build.word(label="near"), build.word(label="far")
    first = build.result(0, flags=SKIP_ON_ZERO, next=following[next_is], label="first")
    target = build.add(
        near, 5, label="near_atom", flags=Flag.STOP_ON_NONZERO, next=Address("far_atom")
    )
    build.add(far, 7, label="far_atom")
    build.section("unmapped")
    build.add(far, 7, label="gone")
    session = rig.load(build, first)
    session.unmap("unmapped")
    ran = rig.finish(session, first)
    assert_words(session, near=5, far=0)
    rig.assert_ended_at(session, ran, target)


@checks("skip.stride", "skip.ignores-next")
@pytest.mark.both_modes
@pytest.mark.parametrize("before", [1, 3])
@pytest.mark.parametrize("behind", [True, False], ids=["among-others", "the-last-in-memory"])
def test_an_atom_late_in_a_chain_skips_from_where_it_lies(
    rig: Rig, before: int, behind: bool
) -> None:
    build = Build()
    count, near, wrong = (build.word(label=label) for label in ("count", "near", "wrong"))
    for turn in range(before):
        following = Address("skips") if turn + 1 == before else Address(f"atom_{turn + 1}")
        build.add(count, next=following, label=f"atom_{turn}")
        build.add(wrong)
    build.add(count, flags=SKIP_ALWAYS, next=Address("elsewhere"), label="skips")
    target = build.add(near, label="target")
    if behind:
        build.add(wrong)
    build.section()
    build.add(wrong, label="elsewhere")
    session, ran = rig.run(build, Address("atom_0"))
    assert_words(session, count=before + 1, near=1, wrong=0)
    rig.assert_ended_at(session, ran, target)


@checks("skip.stride", "skip.target-is-ordinary", "skip.ignores-next")
@pytest.mark.both_modes
@pytest.mark.parametrize("skips", [2, 3, 20])
def test_atoms_that_skip_one_after_the_other_walk_through_memory(rig: Rig, skips: int) -> None:
    build = Build()
    count, wrong = build.word(label="count"), build.word(label="wrong")
    for number in range(skips):
        build.add(count, flags=SKIP_ALWAYS, next=Address("elsewhere"), label=f"atom_{number}")
    last = build.add(count, label="last")
    build.add(wrong, label="elsewhere")
    session, ran = rig.run(build, Address("atom_0"))
    assert_words(session, count=skips + 1, wrong=0)
    rig.assert_ended_at(session, ran, last)


@checks("skip.stride")
@pytest.mark.both_modes
@pytest.mark.parametrize("border", ["within-the-first", "between-them", "within-the-second"])
def test_a_skip_crosses_the_border_of_a_page(rig: Rig, border: str) -> None:
    size, word_bytes = rig.abi.atom_size, rig.abi.word_bytes
    past = {
        "within-the-first": size + word_bytes,
        "between-them": size,
        "within-the-second": size - word_bytes,
    }
    build = Build()
    near, wrong = build.word(label="near"), build.word(label="wrong")
    first = build.result(0, flags=SKIP_ON_ZERO, next=Address("elsewhere"), label="first")
    target = build.add(near, label="target")
    build.code.append(Buffer("rest_of_the_page", 4096 - past[border]))
    build.section()
    build.add(wrong, label="elsewhere")
    session, ran = rig.run(build, first)
    assert_words(session, near=1, wrong=0)
    rig.assert_ended_at(session, ran, target)


@checks("skip.stride", "skip.ignores-next", "skip.no-stop-follows-next")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", ["end-of-file", "a-byte"])
@pytest.mark.parametrize(
    "flag", [Flag.STOP_ON_ZERO, Flag.STOP_ON_NONZERO], ids=["on_zero", "on_nonzero"]
)
def test_an_atom_that_was_blocked_skips_as_any_other(rig: Rig, flag: Flag, result: str) -> None:
    build = Build()
    pipe = build.pipe()
    near, far = build.word(label="near"), build.word(label="far")
    first = build.read(pipe, flags=flag | SKIP, next=Address("far_atom"), label="first")
    target = build.add(near, label="near_atom")
    followed = build.add(far, label="far_atom")
    session = rig.load(build, first)
    block(rig, session, first)
    if result == "a-byte":
        session.feed(pipe, b"x")
    else:
        session.close_end(f"{pipe}.write")
    assert_succeeded(rig, session.wait(1))
    skips = (flag == Flag.STOP_ON_ZERO) == (result == "end-of-file")
    assert_words(session, near=1 if skips else 0, far=0 if skips else 1)
    assert_slots(session, target if skips else followed, 0, 0, 0)


@checks("skip.stride", "skip.no-stop-follows-next")
@pytest.mark.both_modes
@pytest.mark.parametrize("fails", [True, False], ids=["error", "success"])
def test_a_skip_on_an_error_leads_to_its_handler(rig: Rig, fails: bool) -> None:
    build = Build()
    pipe = build.pipe()
    handled, done = build.word(label="handled"), build.word(label="done")
    end = build.word(-1) if fails else Address(f"{pipe}.read")
    arguments = end, build.word(build.buffer(1)), build.word(1)
    flags = Flag.STOP_ON_NEGATIVE | SKIP
    first = build.atom("read", *arguments, flags=flags, next=Address("goes_on"), label="first")
    handler = build.add(handled, label="handler")
    goes_on = build.add(done, label="goes_on")
    session = rig.load(build, first)
    session.feed(pipe, b"x")
    ran = rig.finish(session, first)
    assert_words(session, handled=1 if fails else 0, done=0 if fails else 1)
    rig.assert_ended_at(session, ran, handler if fails else goes_on)


# -- when it skips, and when not --------------------------------------------------------


@checks("skip.stride", "skip.no-stop-follows-next", "skip.needs-stop-flag")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", RESULTS)
def test_every_combination_of_stop_flags_skips_exactly_where_it_stops(
    rig: Rig, result: str
) -> None:
    build = Build()
    asynchronous = rig.start_flags
    number = value(rig.abi, result)
    skips: dict[str, bool] = {}
    for stop_flags in COMBINATIONS:
        flags = stop_flags | SKIP
        name = f"{int(flags):#04x}"
        skips[name] = any_stops(stop_flags, result)
        build.word(label=f"near_{name}")
        build.word(label=f"far_{name}")
        started, following = flags | asynchronous, Address(f"far_atom_{name}")
        build.result(number, flags=started, next=following, label=f"first_{name}")
        build.add(Address(f"near_{name}"), label=f"near_atom_{name}")
        build.add(Address(f"far_{name}"), label=f"far_atom_{name}")
    session = rig.load(build)
    for name, near in skips.items():
        ran = rig.finish(session, Address(f"first_{name}"))
        assert_words(session, **{f"near_{name}": int(near), f"far_{name}": int(not near)})
        rig.assert_ended_at(session, ran, Address(f"{'near' if near else 'far'}_atom_{name}"))


@checks("skip.no-stop-follows-next")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", [-1, 1])
def test_skip_without_a_stop_follows_next(rig: Rig, result: int) -> None:
    build = Build()
    near, far = build.word(label="near"), build.word(label="far")
    first = build.result(result, flags=SKIP_ON_ZERO, next=Address("far_atom"))
    build.add(near, 5)
    last = build.add(far, 7, label="far_atom")
    session, ran = rig.run(build, first)
    assert_words(session, near=0, far=7)
    rig.assert_ended_at(session, ran, last)


@checks("skip.no-stop-follows-next", "chain.null-ends")
@pytest.mark.both_modes
@pytest.mark.parametrize("behind", ["an-atom", "nothing"])
def test_skip_without_a_stop_ends_where_next_is_null(rig: Rig, behind: str) -> None:
    build = Build()
    count, near = build.word(label="count"), build.word(label="near")
    first = build.add(count, next=Address("last"), label="first")
    last = build.add(count, flags=SKIP_ON_ZERO, label="last")
    if behind == "an-atom":
        build.add(near)
    session, ran = rig.run(build, first)
    assert_words(session, count=2, near=0)
    rig.assert_ended_at(session, ran, last)


@checks("skip.no-stop-follows-next", "skip.stride")
@pytest.mark.both_modes
def test_one_atom_follows_next_until_its_flag_holds_and_skips_then(rig: Rig) -> None:
    build = Build()
    count, near = build.word(-4, label="count"), build.word(label="near")
    turn = build.add(count, flags=SKIP_ON_ZERO, next=Address("turn"), label="turn")
    last = build.add(near, label="last")
    session, ran = rig.run(build, turn)
    assert_words(session, count=0, near=1)
    rig.assert_ended_at(session, ran, last)


@checks("skip.needs-stop-flag")
@pytest.mark.both_modes
@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("next_is", ["null", "an-atom"])
def test_skip_without_a_stop_flag_changes_nothing(rig: Rig, result: str, next_is: str) -> None:
    build = Build()
    near, far = build.word(label="near"), build.word(label="far")
    goes_on = next_is == "an-atom"
    following = Address("far_atom") if goes_on else NULL
    first = build.result(value(rig.abi, result), flags=SKIP, next=following)
    build.add(near)
    last = build.add(far, label="far_atom")
    session, ran = rig.run(build, first)
    assert_words(session, near=0, far=1 if goes_on else 0)
    rig.assert_ended_at(session, ran, last if goes_on else first)


@checks("skip.needs-stop-flag")
@pytest.mark.both_modes
def test_skip_without_a_stop_flag_is_no_loop_at_the_end_of_memory(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.add(count, flags=SKIP, next=Address("last"), label="first")
    last = build.add(count, flags=SKIP, label="last")
    session, ran = rig.run(build, first)
    assert_words(session, count=2)
    rig.assert_ended_at(session, ran, last)
