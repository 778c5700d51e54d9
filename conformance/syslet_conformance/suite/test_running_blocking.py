"""Area running: whatever call it is that blocks, a write, a sleep or a poll, goes on by itself."""

from __future__ import annotations

from errno import EBADF

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Value
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig, unjudged
from syslet_conformance.suite.steps import (
    LOOK_S,
    assert_not_null,
    assert_null,
    assert_slots,
    assert_succeeded,
    assert_words,
    release,
)
from syslet_layouts import Flag

LARGE_BYTES = 1 << 18
"""More than a pipe takes: four times what Linux gives one."""

SLEEP_NS = 20_000_000
"""No order hangs on it: a call that sleeps at all blocks."""

POLLIN = 1
ENTRY_BYTES, EVENTS_AT, REVENTS_AT = 8, 4, 6
"""Of poll: an entry is a descriptor of 4 bytes, and two halves of 2."""


class Blocking:
    """A syslet of a call that blocks, and an atom after it that adds 1 to ``done``."""

    def __init__(self, rig: Rig, build: Build, call: str, *args: Value, flags: int = 0) -> None:
        """`args` are the argument pointers."""
        self.rig = rig
        build.word(-7, label="got")
        following = Address("adds")
        self.first = build.atom(
            call, *args, flags=flags, ret=Address("got"), next=following, label="blocks"
        )
        self.adds = build.add(build.word(label="done"), label="adds")
        self.session = rig.load(build)

    def begin(self) -> None:
        """Exec: NULL, and the call is not over."""
        assert_null(self.rig, self.session.exec(self.first))
        assert_words(self.session, got=-7, done=0)
        assert_slots(self.session, NULL, NULL, NULL, NULL)

    def assert_ended(self, result: int) -> None:
        """The call gave `result`, and the atom after it has run."""
        assert_words(self.session, got=result, done=1)
        assert_slots(self.session, self.adds, NULL, NULL, NULL)


@checks("exec.cachemiss-returns-null", "exec.continues-alone")
def test_a_write_into_a_pipe_that_is_full_goes_on_as_it_is_drained(rig: Rig) -> None:
    build = Build()
    pipe = build.pipe()
    data, count = build.word(build.buffer(LARGE_BYTES)), build.word(LARGE_BYTES)
    blocking = Blocking(rig, build, "write", Address(f"{pipe}.write"), data, count)
    session = blocking.session
    word = session.exec(blocking.first)
    if word and not rig.is_error(word) and session.word("got") == LARGE_BYTES:
        unjudged(f"a pipe of this engine takes {LARGE_BYTES} bytes")
    assert_null(rig, word)
    assert_words(session, got=-7, done=0)
    call, taken = session.start_wait(1), bytearray()

    def has_ended() -> bool:
        taken.extend(session.drain(pipe, LARGE_BYTES))
        return call.returns_within(LOOK_S)

    rig.until(has_ended, "the end of a write whose pipe is drained")
    assert_succeeded(rig, call.join())
    taken.extend(session.drain(pipe, LARGE_BYTES))
    blocking.assert_ended(len(taken))


@checks("exec.cachemiss-returns-null", "exec.continues-alone")
def test_a_sleep_goes_on_beside_the_caller(rig: Rig) -> None:
    if not rig.has("nanosleep", "call-that-sleeps"):
        return
    build = Build()
    time = build.word(build.words(0, SLEEP_NS))
    blocking = Blocking(rig, build, "nanosleep", time, build.word(NULL))
    assert_null(rig, blocking.session.exec(blocking.first))
    assert_succeeded(rig, blocking.session.wait(1))
    blocking.assert_ended(0)


@checks("exec.cachemiss-returns-null", "exec.continues-alone")
def test_a_poll_goes_on_until_there_is_something_to_be_read(rig: Rig) -> None:
    if not rig.has("poll", "call-that-polls"):
        return
    build = Build()
    pipe, entries = build.pipe(), build.buffer(ENTRY_BYTES, label="entries")
    asked = [build.word(value) for value in (entries, 1, -1)]
    blocking = Blocking(rig, build, "poll", *asked)
    session, order = blocking.session, rig.abi.byteorder
    entry = session.pipes[pipe][0].to_bytes(EVENTS_AT, order) + POLLIN.to_bytes(2, order) + bytes(2)
    session.write("entries", entry)
    blocking.begin()
    release(rig, session, pipe)
    blocking.assert_ended(1)
    revents = rig.engine.read(session.address("entries") + REVENTS_AT, 2)
    assert int.from_bytes(revents, order) & POLLIN, f"revents: expected POLLIN, got {revents!r}"


@checks("exec.sync-flag")
def test_a_sleep_that_is_sync_is_over_as_exec_returns(rig: Rig) -> None:
    if not rig.has("nanosleep", "call-that-sleeps"):
        return
    build = Build()
    time = build.word(build.words(0, SLEEP_NS))
    blocking = Blocking(rig, build, "nanosleep", time, build.word(NULL), flags=Flag.SYNC)
    assert_not_null(rig, blocking.session.exec(blocking.first))
    assert_words(blocking.session, got=0, done=1)
    assert_slots(blocking.session, NULL, NULL, NULL, NULL)


@checks("exec.cachemiss-returns-null", "exec.continues-alone")
def test_a_read_whose_descriptor_is_closed_meanwhile_ends_with_its_pipe(rig: Rig) -> None:
    """Linux reads on from the file that the call was given; what another does is recorded."""
    build = Build()
    pipe, count = build.pipe(), build.word(1)
    into = build.word(build.buffer(1))
    blocking = Blocking(rig, build, "read", Address(f"{pipe}.read"), into, count)
    session = blocking.session
    blocking.begin()
    session.close_end(f"{pipe}.read")
    session.close_end(f"{pipe}.write")
    assert_succeeded(rig, session.wait(1))
    result = session.word("got")
    kinds = {0: "kept", -EBADF: "looked up again"}
    rig.characteristic("descriptor-of-blocked", kinds.get(result, f"the read gives {result}"))
    blocking.assert_ended(result)
