"""Area skip: the atom that is skipped to is an ordinary one."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
)
from syslet_conformance.suite.stop_table import SKIP, SKIP_ALWAYS, SKIP_ON_ZERO
from syslet_layouts import Flag


@checks("skip.target-is-ordinary")
@pytest.mark.both_modes
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
@pytest.mark.both_modes
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
@pytest.mark.both_modes
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
@pytest.mark.both_modes
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
@pytest.mark.both_modes
def test_an_atom_is_the_same_skipped_to_or_followed(rig: Rig) -> None:
    build = Build()
    near = build.word(label="near")
    asynchronous = rig.start_flags
    follows = build.result(1, flags=asynchronous, next=Address("target"), label="follows")
    skips = build.result(0, flags=SKIP_ON_ZERO | asynchronous, label="skips")
    target = build.add(near, label="target")
    session = rig.load(build)
    for total, start in enumerate((skips, follows, skips), 1):
        ran = rig.finish(session, start)
        assert_words(session, near=total)
        rig.assert_ended_at(session, ran, target)
