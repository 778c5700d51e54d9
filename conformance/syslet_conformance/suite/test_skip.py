"""Area skip: where a stop with SYSLET_SKIP_TO_NEXT_ON_STOP goes on."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_layouts import Flag

SKIP_ON_ZERO = Flag.STOP_ON_ZERO | Flag.SKIP_TO_NEXT_ON_STOP


@checks("skip.stride", "skip.ignores-next", "skip.target-is-ordinary")
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("next_is", ["null", "an-atom"])
def test_a_stop_with_skip_runs_the_atom_a_full_stride_away(rig: Rig, next_is: str) -> None:
    build = Build()
    near, far = build.word(label="near"), build.word(label="far")
    following = Address("far_atom") if next_is == "an-atom" else 0
    first = build.result(0, flags=SKIP_ON_ZERO, next=following)
    target = build.add(
        near, 5, label="near_atom", flags=Flag.STOP_ON_NONZERO, next=Address("far_atom")
    )
    build.add(far, 7, label="far_atom")
    session, ran = rig.run(build, first)
    assert (session.word("near"), session.word("far")) == (5, 0)
    rig.assert_ended_at(session, ran, target)


@checks("skip.no-stop-follows-next", "skip.needs-stop-flag")
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize(
    "flags", [SKIP_ON_ZERO, Flag.SKIP_TO_NEXT_ON_STOP], ids=["no-stop", "no-stop-flag"]
)
@pytest.mark.parametrize("result", [-1, 1])
def test_skip_without_a_stop_follows_next(rig: Rig, flags: Flag, result: int) -> None:
    build = Build()
    near, far = build.word(label="near"), build.word(label="far")
    first = build.result(result, flags=flags, next=Address("far_atom"))
    build.add(near, 5)
    last = build.add(far, 7, label="far_atom")
    session, ran = rig.run(build, first)
    assert (session.word("near"), session.word("far")) == (0, 7)
    rig.assert_ended_at(session, ran, last)
