"""Area faults: random bytes as atoms. `random_atoms` says what of them is random."""

from __future__ import annotations

from random import Random

import pytest

from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.hostile import assert_ended, assert_lives, hostile_build, memory
from syslet_conformance.suite.memory import assert_untouched
from syslet_conformance.suite.random_atoms import MOST_READ, SCRATCH_BYTES, Stream, Streams, arena
from syslet_layouts import SysletError

STREAMS, LEAST = 100, 20
"""How many a test draws on all ABIs of the run, and on each of them at least."""

SCRATCH = "scratch"


def _run(rig: Rig, session: Session, stream: Stream, what: str) -> None:
    """Run one stream to its end; only where its atoms say so may it have written."""
    session.write(stream.first, stream.image)
    others = memory(session, SCRATCH)
    before = rig.engine.read(session.address(SCRATCH), SCRATCH_BYTES)
    assert_ended(rig, session, session.exec(stream.first), what)
    after = rig.engine.read(session.address(SCRATCH), SCRATCH_BYTES)
    expected = bytearray(before)
    for start, end in stream.writes:
        expected[start:end] = after[start:end]
    assert after == expected, f"{what}: expected {expected.hex()} in the scratch, got {after.hex()}"
    assert_untouched(session, others, what, "head")
    assert_lives(rig, session, what)


@checks("fault.random-bytes")
@pytest.mark.both_modes
@pytest.mark.parametrize("near_valid", [False, True], ids=["at-large", "near-valid"])
def test_random_bytes_as_atoms_end_and_write_only_where_they_say(
    rig: Rig, near_valid: bool
) -> None:
    count = rig.share(STREAMS, LEAST)
    build = hostile_build()
    arena(build, rig.abi)
    session = rig.load(build)
    session.feed("input", b"\x5a" * (count * MOST_READ))
    streams = Streams(session, Random(rig.seed))
    flags = rig.start_flags
    for number in range(count):
        stream = streams.draw(near_valid=near_valid, flags=flags)
        what = f"stream {number} of seed {rig.seed}, {stream.image.hex()} at {stream.first:#x}"
        try:
            _run(rig, session, stream, what)
        except SysletError as error:
            error.args = (f"{error} ({what})",)
            raise
