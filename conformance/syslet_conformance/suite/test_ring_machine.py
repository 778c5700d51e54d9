"""Area ring: nothing is lost and nothing comes twice, whatever the order of steps."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from syslet_conformance.builder import Build
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.completions import Completions
from syslet_conformance.suite.losses import reports
from syslet_conformance.suite.steps import block, complete
from syslet_layouts import Flag

EXAMPLES, LEAST = 12, 3
"""How many runs of `STEPS` are drawn on all ABIs of the run, and on each of them at least."""

STEPS = 25


@checks(
    "ring.starts-at-zero",
    "ring.wraps",
    "ring.exactly-once",
    "ring.never-overwrites",
    "ring.overflow-is-an-error",
    "ring.recovers",
    "ring.engine-only-fills",
    "ring.kernel-index",
    "wait.consumes-nothing",
    "wait.counts-from-user-index",
    "wait.at-once",
)
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_completions_are_conserved_in_any_order_of_steps(rig: Rig, slots: int) -> None:
    late = _delivers_late(rig)

    class Machine(Completions):
        pass

    Machine.rig, Machine.slots, Machine.delivers_late, Machine.hung = rig, slots, late, []
    run_state_machine_as_test(
        seed(f"{rig.seed}-{slots}")(Machine),
        settings=settings(
            max_examples=rig.share(EXAMPLES, LEAST),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        ),
    )


def _delivers_late(rig: Rig) -> bool:
    """Whether an event that did not fit comes once there is room, at the next event at last."""
    build = Build(2)
    *first, lost, other = (build.result(1, flags=Flag.ASYNC) for _ in range(4))
    session = rig.load(build)
    complete(rig, session, *first)
    block(rig, session, lost)
    reports(rig, session)
    session.consume(2)
    reports(rig, session)
    block(rig, session, other)
    reports(rig, session)
    return session.address(lost) in session.slots()
