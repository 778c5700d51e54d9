"""Area chaining: what follows an atom."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_layouts import Flag


@checks("chain.next", "ring.entry-is-final-atom")
@pytest.mark.usefixtures("mode")
def test_next_is_followed_when_nothing_stops(rig: Rig) -> None:
    build = Build()
    x, y = build.word(label="x"), build.word(label="y")
    first = build.add(x, 2, next=Address("second"))
    second = build.add(y, 3, label="second")
    session, ran = rig.run(build, first)
    assert (session.word("x"), session.word("y")) == (2, 3)
    rig.assert_ended_at(session, ran, second)


STOPPING = {
    Flag.STOP_ON_NONZERO: ("min", "-1", "1", "max"),
    Flag.STOP_ON_ZERO: ("0",),
    Flag.STOP_ON_NEGATIVE: ("min", "-1"),
    Flag.STOP_ON_NON_POSITIVE: ("min", "-1", "0"),
}
"""The results on which each flag stops, as the ABI's truth table says."""


@checks("chain.stop-table", "chain.stop-ends")
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("result", ["min", "-1", "0", "1", "max"])
@pytest.mark.parametrize("flag", STOPPING, ids=lambda flag: flag.name.lower())
def test_each_stop_flag_against_each_result(rig: Rig, flag: Flag, result: str) -> None:
    extremes = {"min": rig.abi.word_min, "max": rig.abi.word_max}
    value = extremes[result] if result in extremes else int(result)
    build = Build()
    reached = build.word(label="reached")
    first = build.result(value, flags=flag, next=Address("second"))
    second = build.add(reached, 1, label="second")
    session, ran = rig.run(build, first)
    stopped = result in STOPPING[flag]
    assert session.word("reached") == (0 if stopped else 1)
    rig.assert_ended_at(session, ran, first if stopped else second)
