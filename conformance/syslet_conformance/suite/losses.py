"""Events that find their slot taken: how they are reported, on a ring between guard words."""

from __future__ import annotations

from syslet_conformance.builder import Build
from syslet_conformance.program import Address
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.steps import assert_words

GUARD = 0x5AFE
"""What the words beside the ring hold."""

MOST = 100
"""More reports than there are losses in any test."""


def guarded_build(slots: int) -> Build:
    """A ring of `slots` and its descriptor between two guard words."""
    build = Build(0)
    build.word(GUARD, label="below")
    build.ring(slots)
    build.word(GUARD, label="above")
    return build


def assert_guarded(session: Session) -> None:
    """Nothing was written beside the ring and its descriptor."""
    assert_words(session, below=GUARD, above=GUARD)


def reports(rig: Rig, session: Session, head: str = "head") -> int:
    """How many losses wait reports until nothing is pending and none is left.

    A wait that was under way at the loss may still succeed: so two in a row have to.
    """
    reported = calm = 0
    while calm < 2:
        if rig.is_error(session.wait(len(session.slots(head)) + 1, head)):
            reported, calm = reported + 1, 0
        else:
            calm += 1
        assert reported < MOST, f"wait: expected an error for each loss, got {MOST} of them"
    return reported


def assert_reported(rig: Rig, session: Session, losses: int, head: str = "head") -> None:
    """As many errors as losses."""
    got = reports(rig, session, head)
    assert got == losses, f"errors that waits returned: expected {losses}, got {got}"


def submit(rig: Rig, session: Session, *atoms: Address) -> int:
    """Submit ASYNC syslets, each again where exec reports a loss instead; how many it did."""
    reported = 0
    for atom in atoms:
        while word := session.exec(atom):
            assert rig.is_error(word), f"exec of ASYNC: expected NULL, got {session.name(word)}"
            reported += 1
            assert reported < MOST, f"exec: expected an error for each loss, got {MOST} of them"
    return reported
