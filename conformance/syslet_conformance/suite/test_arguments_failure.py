"""Area arguments: the result of a call that fails, or that is none."""

from __future__ import annotations

from errno import EBADF, EFAULT, ENOSYS

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NO_FLAGS, NULL, Address, Value
from syslet_conformance.registry import checks
from syslet_conformance.rig import Ran, Rig
from syslet_conformance.suite.memory import COMPLETION, assert_untouched, sections
from syslet_conformance.suite.steps import BAD_DESCRIPTOR, UNREADABLE, assert_words
from syslet_layouts import Flag

NO_CALL = 0x7FFF
"""A number that no machine gives to a system call."""


# -- a failing call ---------------------------------------------------------------------


FAILURES = {
    "read-of-no-descriptor": EBADF,
    "write-to-no-descriptor": EBADF,
    "close-of-no-descriptor": EBADF,
    "read-of-a-write-end": EBADF,
    "write-to-a-read-end": EBADF,
    "read-into-unmapped-memory": EFAULT,
    "write-of-unmapped-memory": EFAULT,
    "umem_add-to-unmapped-memory": EFAULT,
    "umem_add-to-the-last-address": EFAULT,
}
"""Calls that fail, and how."""


def _failing(
    build: Build, failure: str, *, flags: Flag = NO_FLAGS, ret: Value = NULL, next: Value = NULL
) -> tuple[Address, str]:
    """An atom whose call fails as `failure` says, and the pipe that it works on."""
    pipe, bad = build.pipe(), build.word(BAD_DESCRIPTOR)
    read_end, write_end = Address(f"{pipe}.read"), Address(f"{pipe}.write")
    buffer, unmapped, one = build.word(build.buffer(8)), build.word(UNREADABLE), build.word(1)
    calls: dict[str, tuple[str, tuple[Value, ...]]] = {
        "read-of-no-descriptor": ("read", (bad, buffer, one)),
        "write-to-no-descriptor": ("write", (bad, buffer, one)),
        "close-of-no-descriptor": ("close", (bad,)),
        "read-of-a-write-end": ("read", (write_end, buffer, one)),
        "write-to-a-read-end": ("write", (read_end, buffer, one)),
        "read-into-unmapped-memory": ("read", (read_end, unmapped, one)),
        "write-of-unmapped-memory": ("write", (write_end, unmapped, one)),
        "umem_add-to-unmapped-memory": ("umem_add", (unmapped, one)),
        "umem_add-to-the-last-address": ("umem_add", (build.word(-1), one)),
    }
    name, args = calls[failure]
    return build.atom(name, *args, flags=flags, ret=ret, next=next), pipe


@checks("result.negative-errno")
@pytest.mark.both_modes
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_call_gives_its_negative_errno(rig: Rig, failure: str) -> None:
    build = Build()
    got = build.word(label="got")
    atom, pipe = _failing(build, failure, ret=got)
    session = rig.load(build, atom)
    session.feed(pipe, b"x")
    rig.finish(session, atom)
    assert_words(session, got=-FAILURES[failure])


@checks("result.negative-errno")
@pytest.mark.both_modes
@pytest.mark.parametrize(
    ("flag", "stops"),
    [
        ("STOP_ON_NEGATIVE", True),
        ("STOP_ON_NONZERO", True),
        ("STOP_ON_NON_POSITIVE", True),
        ("STOP_ON_ZERO", False),
        (None, False),
    ],
)
def test_the_stop_flags_see_a_negative_errno(rig: Rig, flag: str | None, stops: bool) -> None:
    build = Build()
    reached = build.word(label="reached")
    flags = Flag[flag] if flag else NO_FLAGS
    first, _ = _failing(build, "read-of-no-descriptor", flags=flags, next=Address("last"))
    last = build.add(reached, label="last")
    session, ran = rig.run(build, first)
    assert_words(session, reached=0 if stops else 1)
    rig.assert_ended_at(session, ran, first if stops else last)


@checks("result.negative-errno")
def test_a_failing_call_is_no_failure_of_exec_or_wait(rig: Rig) -> None:
    build = Build()
    got = build.word(label="got")
    cached, _ = _failing(build, "umem_add-to-unmapped-memory", ret=got)
    forced, _ = _failing(build, "umem_add-to-unmapped-memory", ret=got, flags=Flag.ASYNC)
    session = rig.load(build)
    outcomes = {
        cached: Ran(session.address(cached), None),
        forced: Ran(0, session.address(forced)),
    }
    for atom, expected in outcomes.items():
        session.set_word(got, 0)
        ran = rig.finish(session, atom)
        assert ran == expected, f"{atom.label}: expected {expected}, got {ran}"
        assert_words(session, got=-EFAULT)


# -- unknown calls ----------------------------------------------------------------------


@checks("result.unknown-syscall")
@pytest.mark.both_modes
@pytest.mark.parametrize("nr", [NO_CALL, 0x7FFFFFFF], ids=hex)
def test_an_unknown_call_gives_enosys_and_the_chain_goes_on(rig: Rig, nr: int) -> None:
    build = Build()
    got, reached = build.word(label="got"), build.word(label="reached")
    first = build.atom(nr, ret=got, next=Address("second"))
    last = build.add(reached, 1, label="second")
    session, ran = rig.run(build, first)
    assert_words(session, got=-ENOSYS, reached=1)
    rig.assert_ended_at(session, ran, last)


@checks("result.unknown-syscall")
@pytest.mark.both_modes
@pytest.mark.parametrize("skip", [False, True], ids=["ends", "skips"])
def test_an_unknown_call_stops_by_its_flags(rig: Rig, skip: bool) -> None:
    build = Build()
    near, far = build.word(label="near"), build.word(label="far")
    flags = Flag.STOP_ON_NEGATIVE | (Flag.SKIP_TO_NEXT_ON_STOP if skip else 0)
    first = build.atom(NO_CALL, flags=flags, next=Address("far_atom"), label="first")
    target = build.add(near, label="near_atom")
    build.add(far, label="far_atom")
    session, ran = rig.run(build, first)
    assert_words(session, near=1 if skip else 0, far=0)
    rig.assert_ended_at(session, ran, target if skip else first)


@checks("result.unknown-syscall")
@pytest.mark.both_modes
def test_an_unknown_call_with_arguments_changes_none_of_them(rig: Rig) -> None:
    build = Build()
    x, y = build.word(1), build.word(2)
    first = build.atom(NO_CALL, x, y, ret=build.word(label="got"))
    session = rig.load(build, first)
    before = sections(session)
    rig.finish(session, first)
    assert_words(session, got=-ENOSYS)
    assert_untouched(session, before, "memory", *COMPLETION, "got")
