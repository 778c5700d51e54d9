"""Area skip: where a stop with SYSLET_SKIP_TO_NEXT_ON_STOP goes on."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Buffer, Words
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
)
from syslet_conformance.suite.stop_table import COMBINATIONS, RESULTS, any_stops, value
from syslet_layouts import Flag, packed_size

SKIP = Flag.SKIP_TO_NEXT_ON_STOP
SKIP_ON_ZERO = Flag.STOP_ON_ZERO | SKIP
SKIP_ALWAYS = Flag.STOP_ON_ZERO | Flag.STOP_ON_NONZERO | SKIP

# -- the stride -------------------------------------------------------------------------


@checks("skip.stride", "skip.ignores-next", "skip.target-is-ordinary")
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("result", RESULTS)
def test_every_combination_of_stop_flags_skips_exactly_where_it_stops(
    rig: Rig, result: str
) -> None:
    build = Build()
    asynchronous = Flag.ASYNC if rig.is_async else Flag(0)
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
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
def test_one_atom_follows_next_until_its_flag_holds_and_skips_then(rig: Rig) -> None:
    build = Build()
    count, near = build.word(-4, label="count"), build.word(label="near")
    turn = build.add(count, flags=SKIP_ON_ZERO, next=Address("turn"), label="turn")
    last = build.add(near, label="last")
    session, ran = rig.run(build, turn)
    assert_words(session, count=0, near=1)
    rig.assert_ended_at(session, ran, last)


@checks("skip.needs-stop-flag")
@pytest.mark.usefixtures("mode")
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
@pytest.mark.usefixtures("mode")
def test_skip_without_a_stop_flag_is_no_loop_at_the_end_of_memory(rig: Rig) -> None:
    build = Build()
    count = build.word(label="count")
    first = build.add(count, flags=SKIP, next=Address("last"), label="first")
    last = build.add(count, flags=SKIP, label="last")
    session, ran = rig.run(build, first)
    assert_words(session, count=2)
    rig.assert_ended_at(session, ran, last)


# -- packed -----------------------------------------------------------------------------


@checks("skip.full-stride-when-packed", "skip.stride", "arg.packed-atom")
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("arguments", range(6))
def test_a_packed_atom_skips_over_the_variables_behind_it(rig: Rig, arguments: int) -> None:
    abi = rig.abi
    gap = (abi.atom_size - packed_size(abi, arguments)) // abi.word_bytes
    build = Build()
    wrong, pointers = build.word(label="wrong"), [build.word(1) for _ in range(arguments)]
    first = build.atom(
        "getpid", *pointers, flags=SKIP_ALWAYS, next=Address("far_atom"), packed=True, label="first"
    )
    build.code += [Words(f"variable{number}", (number + 1,)) for number in range(gap)]
    target = build.add(Address("variable0"), 10, label="target")
    build.add(wrong, label="far_atom")
    session, ran = rig.run(build, first)
    expected = {f"variable{number}": number + 1 for number in range(gap)}
    assert_words(session, **expected | {"variable0": 11, "wrong": 0})
    rig.assert_ended_at(session, ran, target)


@checks("skip.full-stride-when-packed")
@pytest.mark.usefixtures("mode")
def test_a_packed_atom_skips_over_another_that_lies_directly_behind_it(rig: Rig) -> None:
    abi = rig.abi
    gap = (abi.atom_size - 2 * packed_size(abi, 0)) // abi.word_bytes
    build = Build()
    near, wrong = build.word(label="near"), build.word(label="wrong")
    first = build.atom("getpid", flags=SKIP_ALWAYS, packed=True, label="first")
    build.atom("getpid", ret=wrong, packed=True, label="directly_behind")
    build.code.append(Words("gap", (-1,) * gap))
    target = build.add(near, label="target")
    session, ran = rig.run(build, first)
    assert_words(session, near=1, wrong=0)
    rig.assert_ended_at(session, ran, target)


@checks("skip.full-stride-when-packed", "skip.target-is-ordinary", "arg.packed-atom")
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("skips", [1, 3])
def test_packed_atoms_skip_to_packed_atoms_up_to_the_end_of_memory(rig: Rig, skips: int) -> None:
    abi = rig.abi
    gap = (abi.atom_size - packed_size(abi, 2)) // abi.word_bytes
    build = Build()
    count = build.word(label="count")
    for number in range(skips):
        build.add(count, flags=SKIP_ALWAYS, packed=True, label=f"atom_{number}")
        build.code.append(Words(f"gap_{number}", (-1,) * gap))
    last = build.add(count, packed=True, label="last")
    session, ran = rig.run(build, Address("atom_0"))
    assert_words(session, count=skips + 1)
    rig.assert_ended_at(session, ran, last)


@checks("skip.full-stride-when-packed", "skip.no-stop-follows-next")
@pytest.mark.usefixtures("mode")
def test_a_packed_atom_at_the_end_of_memory_that_does_not_stop_follows_next(rig: Rig) -> None:
    build = Build()
    count = build.word(1, label="count")
    last = build.add(count, label="last")
    build.section()
    first = build.add(count, flags=SKIP_ON_ZERO, next=last, packed=True, label="first")
    session, ran = rig.run(build, first)
    assert_words(session, count=3)
    rig.assert_ended_at(session, ran, last)


@checks("skip.full-stride-when-packed")
@pytest.mark.usefixtures("mode")
def test_a_packed_atom_that_was_blocked_skips_a_full_stride(rig: Rig) -> None:
    abi = rig.abi
    gap = (abi.atom_size - packed_size(abi, 3)) // abi.word_bytes
    build = Build()
    pipe, near = build.pipe(), build.word(label="near")
    first = build.read(pipe, flags=SKIP_ALWAYS, packed=True, label="first")
    build.code.append(Words("gap", (-1,) * gap))
    target = build.add(near, packed=True, label="target")
    session = rig.load(build, first)
    block(rig, session, first)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_words(session, near=1)
    assert_slots(session, target, 0, 0, 0)


@checks("skip.full-stride-when-packed")
@pytest.mark.usefixtures("mode")
def test_six_arguments_are_no_reason_for_another_stride(rig: Rig) -> None:
    build = Build()
    near, pointers = build.word(label="near"), [build.word(1) for _ in range(6)]
    first = build.atom("getpid", *pointers, flags=SKIP_ALWAYS, private=-1, label="first")
    target = build.add(near, label="target")
    session, ran = rig.run(build, first)
    assert_words(session, near=1)
    rig.assert_ended_at(session, ran, target)


# -- the atom skipped to ----------------------------------------------------------------


@checks("skip.target-is-ordinary")
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("stops", [False, True], ids=["goes-on", "stops"])
@pytest.mark.parametrize("skip", [False, True], ids=["plain", "skip"])
def test_the_atom_skipped_to_goes_on_by_its_own_flags(rig: Rig, stops: bool, skip: bool) -> None:
    build = Build()
    for label in ("near", "adjacent", "far"):
        build.word(label=label)
    last = build.add(Address("far"), label="far_atom")
    first = build.result(0, flags=SKIP_ON_ZERO, label="first")
    flags = (Flag.STOP_ON_NONZERO if stops else Flag.STOP_ON_ZERO) | (SKIP if skip else 0)
    target = build.add(Address("near"), flags=flags, next=last, label="target")
    adjacent = build.add(Address("adjacent"), label="adjacent_atom")
    session, ran = rig.run(build, first)
    skips = stops and skip
    assert_words(session, near=1, adjacent=1 if skips else 0, far=0 if stops else 1)
    rig.assert_ended_at(session, ran, last if not stops else adjacent if skips else target)


@checks("skip.target-is-ordinary", "ring.no-complete")
@pytest.mark.parametrize("silent", ["none", "the-one-that-skips", "the-one-skipped-to", "both"])
def test_no_complete_counts_where_the_syslet_ends_and_not_where_it_skips(
    rig: Rig, silent: str
) -> None:
    build = Build()
    near = build.word(label="near")
    of_first = Flag.NO_COMPLETE if silent in {"the-one-that-skips", "both"} else Flag(0)
    of_target = Flag.NO_COMPLETE if silent in {"the-one-skipped-to", "both"} else Flag(0)
    first = build.result(0, flags=SKIP_ON_ZERO | Flag.ASYNC | of_first, label="first")
    target = build.add(near, flags=of_target, label="target")
    session = rig.load(build)
    block(rig, session, first)
    assert_succeeded(rig, session.wait(1))
    assert_words(session, near=1)
    assert_slots(session, 0 if of_target else target, 0, 0, 0)


@checks("skip.target-is-ordinary", "exec.flags-per-atom")
def test_an_async_atom_that_is_skipped_to_goes_asynchronous(rig: Rig) -> None:
    build = Build()
    near = build.word(label="near")
    first = build.result(0, flags=SKIP_ON_ZERO, label="first")
    target = build.add(near, flags=Flag.ASYNC, label="target")
    session = rig.load(build)
    block(rig, session, first)
    assert_succeeded(rig, session.wait(1))
    assert_words(session, near=1)
    assert_slots(session, target, 0, 0, 0)


@checks("skip.target-is-ordinary", "exec.cachemiss-returns-null")
@pytest.mark.usefixtures("mode")
def test_an_atom_that_is_skipped_to_may_block(rig: Rig) -> None:
    build = Build()
    pipe, near = build.pipe(), build.word(label="near")
    first = build.result(0, flags=SKIP_ON_ZERO, label="first")
    build.read(pipe, next=Address("last"), label="target")
    last = build.add(near, label="last")
    session = rig.load(build, first)
    block(rig, session, first)
    assert_words(session, near=0)
    assert_slots(session, 0, 0, 0, 0)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_words(session, near=1)
    assert_slots(session, last, 0, 0, 0)


@checks("skip.target-is-ordinary", "exec.cached-when-nothing-can-block")
def test_a_skip_alone_makes_no_syslet_asynchronous(rig: Rig) -> None:
    build = Build()
    near = build.word(label="near")
    first = build.result(0, flags=SKIP_ON_ZERO, label="first")
    build.add(near, label="target")
    session = rig.load(build)
    word = session.exec(first)
    assert word, "exec of umem_add: expected an address, got NULL"
    assert not rig.is_error(word), f"exec: expected an address, got {rig.errno(word)}"
    assert_words(session, near=1)
    assert_slots(session, 0, 0, 0, 0)


@checks("skip.target-is-ordinary")
@pytest.mark.usefixtures("mode")
def test_the_atom_skipped_to_loads_and_stores_for_itself(rig: Rig) -> None:
    build = Build()
    shared, near = build.word(5, label="shared"), build.word(100, label="near")
    result, other = build.word(7, label="result"), build.word(7, label="other")
    to_shared, minus = build.word(shared), build.word(-5)
    first = build.atom("umem_add", to_shared, minus, flags=SKIP_ON_ZERO, ret=result, label="first")
    target = build.atom("umem_add", build.word(near), shared, ret=other, label="target")
    session, ran = rig.run(build, first)
    assert_words(session, shared=0, near=100, result=0, other=100)
    rig.assert_ended_at(session, ran, target)


@checks("skip.target-is-ordinary", "chain.fetched-on-the-fly")
@pytest.mark.usefixtures("mode")
def test_the_atom_skipped_to_is_read_when_its_turn_comes(rig: Rig) -> None:
    build = Build()
    pipe, size = build.pipe(), rig.abi.atom_size
    near, wrong = build.word(label="near"), build.word(label="wrong")
    first = build.read(pipe, size, into=Address("target"), flags=SKIP_ALWAYS, label="first")
    target = build.add(wrong, label="target")
    sample = build.add(near, label="sample")
    session = rig.load(build, first)
    session.feed(pipe, rig.engine.read(session.address(sample), size))
    ran = rig.finish(session, first)
    assert_words(session, near=1, wrong=0)
    rig.assert_ended_at(session, ran, target)


@checks("skip.target-is-ordinary", "chain.any-graph")
@pytest.mark.usefixtures("mode")
def test_an_atom_is_the_same_skipped_to_or_followed(rig: Rig) -> None:
    build = Build()
    near = build.word(label="near")
    asynchronous = Flag.ASYNC if rig.is_async else Flag(0)
    follows = build.result(1, flags=asynchronous, next=Address("target"), label="follows")
    skips = build.result(0, flags=SKIP_ON_ZERO | asynchronous, label="skips")
    target = build.add(near, label="target")
    session = rig.load(build)
    for total, start in enumerate((skips, follows, skips), 1):
        ran = rig.finish(session, start)
        assert_words(session, near=total)
        rig.assert_ended_at(session, ran, target)
