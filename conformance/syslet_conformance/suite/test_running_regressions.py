"""Area running: programs on which an engine once went wrong, see `regression_files`.

The engine takes the steps of the program as they are written, and so does the reference, with
the program at the same addresses and with the same descriptors. The engine is right where it came
to what some interleaving of the reference comes to: in the words that its steps gave, in the
entries, and in every byte of the program. Each program is chosen such that there are few
interleavings, and each of them is tried.
"""

from __future__ import annotations

import time

import pytest

from syslet_conformance.fuzz.ground import result_of
from syslet_conformance.patience import patient_s
from syslet_conformance.places import Places
from syslet_conformance.program import Atom
from syslet_conformance.registry import checks
from syslet_conformance.regression_files import Regression, regressions
from syslet_conformance.rig import Rig, unjudged
from syslet_conformance.session import Session
from syslet_conformance.text_format import format_step
from syslet_conformance.twin import Outcome, numbers_of, outcome, outcomes

REGRESSIONS = [pytest.param(r, id=r.name, marks=checks(*r.ids)) for r in regressions()]

MOST_S = 10.0
"""How long the reference may go through interleavings."""


@pytest.mark.parametrize("regression", REGRESSIONS)
def test_a_program_that_an_engine_got_wrong_comes_to_what_is_allowed(
    rig: Rig, regression: Regression
) -> None:
    program = regression.program
    names_getpid = any(isinstance(d, Atom) and d.nr == "getpid" for d in program.declarations)
    pid = result_of(rig.engine, rig.number("getpid")) if names_getpid else 0
    session = rig.load(program)
    for step in program.steps:
        session.perform(step)
    got, nearest = outcome(session, session.gave), list[Outcome]()
    until = time.monotonic() + patient_s(MOST_S)
    for allowed in outcomes(session, numbers_of(rig.engine), pid):
        if allowed == got:
            return
        nearest.append(allowed)
        if time.monotonic() > until:
            unjudged(f"more than {len(nearest)} interleavings")
    raise AssertionError(difference(session, got, nearest))


def difference(session: Session, got: Outcome, allowed: list[Outcome]) -> str:
    """Where an outcome parts from those that are allowed and go along with it the longest."""
    for number, step in enumerate(session.performed):
        along = [one for one in allowed if one.gave[number] == got.gave[number]]
        if not along:
            wanted = " or ".join(sorted({repr(one.gave[number]) for one in allowed}))
            return f"{format_step(step)}: expected {wanted}, got {got.gave[number]!r}"
        allowed = along
    places = Places(session.layout, session.bases)
    kept = [base for base in session.bases if base not in session.unmapped]
    for index, base in enumerate(kept):
        for at, byte in enumerate(got.memory[index]):
            along = [one for one in allowed if one.memory[index][at] == byte]
            if not along:
                wanted = " or ".join(sorted({f"{one.memory[index][at]:#04x}" for one in allowed}))
                return f"byte {places.name(base + at)}: expected {wanted}, got {byte:#04x}"
            allowed = along
    return "each part of it is allowed, but not all of them together"
