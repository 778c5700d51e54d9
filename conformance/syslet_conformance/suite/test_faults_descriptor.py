"""Area faults: descriptors that cannot be right, given to wait and to exec."""

from __future__ import annotations

from typing import Any

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address, Buffer, Head, Ring, Value
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session
from syslet_conformance.suite.hostile import (
    SLOTS,
    assert_error,
    assert_lives,
    hostile_build,
    memory,
)
from syslet_conformance.suite.memory import assert_untouched
from syslet_conformance.suite.steps import UNREADABLE, assert_slots, assert_succeeded, block
from syslet_layouts import Abi, Flag

EFFECTS = "effects"
"""The section into which the syslets may write; nothing else may change."""

BAD_HEADS = (
    "NULL",
    "in the first page",
    "right after a mapping",
    "in an unmapped section",
    "cut off before the size",
    "NULL ring",
    "size 0",
    "size 1",
    "size of 4 words and a byte",
    "size of 4 words but a byte",
    "kernel index 4 of 4",
    "kernel index all ones",
    "ring in the first page",
    "ring right after a mapping",
    "slot past the end of the mapping",
)
"""Every way in which a descriptor is bad."""

BAD_SLOT = 2
"""The index of the slot that is not mapped, of the ring that is cut off."""


def _bad_fields(abi: Abi) -> dict[str, dict[str, Any]]:
    """What is wrong in each descriptor that can be read."""
    size = SLOTS * abi.word_bytes
    cut_off = {"completion_ring": Address("cut_ring"), "kernel_ring_idx": BAD_SLOT}
    return {
        "NULL ring": {"completion_ring": NULL},
        "size 0": {"ring_size_bytes": 0},
        "size 1": {"ring_size_bytes": 1},
        "size of 4 words and a byte": {"ring_size_bytes": size + 1},
        "size of 4 words but a byte": {"ring_size_bytes": size - 1},
        "kernel index 4 of 4": {"kernel_ring_idx": SLOTS},
        "kernel index all ones": {"kernel_ring_idx": -1},
        "ring in the first page": {"completion_ring": UNREADABLE},
        "ring right after a mapping": {"completion_ring": Address("edge", abi.word_bytes)},
        "slot past the end of the mapping": {**cut_off, "user_ring_idx": BAD_SLOT},
    }


def _bad_heads(build: Build, abi: Abi) -> dict[str, Value]:
    """Declare every bad descriptor; where each lies."""
    heads: dict[str, Value] = {
        "NULL": NULL,
        "in the first page": UNREADABLE,
        "right after a mapping": Address("edge", abi.word_bytes),
        "in an unmapped section": Address("gone"),
        "cut off before the size": Address("cut_head"),
    }
    for number, (name, fields) in enumerate(_bad_fields(abi).items()):
        build.data.append(Head(f"bad{number}", "ring", **fields))
        heads[name] = Address(f"bad{number}")
    build.section("cut_ring")
    build.code.append(Buffer("slots", BAD_SLOT * abi.word_bytes))
    build.section("cut_head")
    build.code.append(Buffer("fields", abi.head_offsets["ring_size_bytes"]))
    return heads


def _load(rig: Rig, build: Build) -> Session:
    session = rig.load(build)
    session.unmap("gone")
    size = rig.abi.head_offsets["ring_size_bytes"]
    good = rig.engine.read(session.address("head"), size)
    session.write("cut_head", good)
    return session


@checks("fault.descriptor")
@pytest.mark.parametrize("bad", BAD_HEADS)
def test_wait_on_a_bad_descriptor_is_an_error(rig: Rig, bad: str) -> None:
    build = hostile_build()
    head = _bad_heads(build, rig.abi)[bad]
    session = _load(rig, build)
    before = memory(session)
    index = BAD_SLOT if bad == "slot past the end of the mapping" else 0
    for n in (1, 2, SLOTS + 1):
        assert_error(rig, session, session.wait(n, head, index), f"wait({n}), descriptor {bad}")
    assert_untouched(session, before, bad)
    assert_lives(rig, session, bad)
    assert_untouched(session, before, bad)


def _assert_reported(rig: Rig, session: Session, word: int, bad: str, head: Value) -> None:
    """Exec gave a negative errno, or NULL and then wait does."""
    if rig.is_error(word):
        return
    rig.is_spent = True  # wait may see what is wrong before the syslet ends, and tells of it
    assert word == NULL, f"exec, descriptor {bad}: expected an errno or NULL, got {word:#x}"
    index = BAD_SLOT if bad == "slot past the end of the mapping" else 0
    waited = session.wait(1, head, index)
    assert_error(rig, session, waited, f"wait after exec gave NULL, descriptor {bad}")


@checks("fault.descriptor")
@pytest.mark.parametrize("bad", BAD_HEADS)
def test_an_async_syslet_on_a_bad_descriptor_is_reported_and_writes_nothing(
    rig: Rig, bad: str
) -> None:
    build = hostile_build()
    atom = build.atom("getpid", flags=Flag.ASYNC, label="asynchronous")
    head = _bad_heads(build, rig.abi)[bad]
    session = _load(rig, build)
    before = memory(session)
    _assert_reported(rig, session, session.exec(atom, head), bad, head)
    assert_untouched(session, before, bad)
    assert_lives(rig, session, bad)
    assert_untouched(session, before, bad)


@checks("fault.descriptor")
@pytest.mark.parametrize("bad", BAD_HEADS)
def test_a_blocking_syslet_on_a_bad_descriptor_is_reported_and_posts_nothing(
    rig: Rig, bad: str
) -> None:
    build = hostile_build()
    pipe = build.pipe()
    build.section(EFFECTS)
    build.code.append(Buffer("into", 8))
    build.section("more_code")
    atom = build.read(pipe, into=Address("into"), label="reads")
    head = _bad_heads(build, rig.abi)[bad]
    session = _load(rig, build)
    before = memory(session, EFFECTS)
    word = session.exec(atom, head)
    session.feed(pipe, b"x")
    _assert_reported(rig, session, word, bad, head)
    assert_untouched(session, before, bad)
    assert_lives(rig, session, bad)
    assert_untouched(session, before, bad)


@checks("fault.descriptor")
def test_whether_the_descriptor_of_a_cached_syslet_is_looked_at_is_recorded(rig: Rig) -> None:
    build = hostile_build()
    atom = build.atom("getpid", label="cached")
    heads = _bad_heads(build, rig.abi)
    session = _load(rig, build)
    before = memory(session)
    looked_at: list[str] = []
    for bad, head in heads.items():
        word = session.exec(atom, head)
        if rig.is_error(word):
            looked_at.append(bad)
        else:
            assert word == session.address(atom), (
                f"exec, descriptor {bad}: expected an errno or &cached, got {session.name(word)}"
            )
        assert_untouched(session, before, bad)
    assert_lives(rig, session, "bad descriptors")
    answers = {0: "not checked", len(heads): "checked"}
    in_part = f"checked when {', '.join(looked_at)}"
    rig.characteristic("descriptor-of-cached", answers.get(len(looked_at), in_part))


@checks("fault.descriptor")
@pytest.mark.parametrize("pending", [False, True], ids=["nothing-pending", "one-pending"])
def test_wait_from_an_index_beyond_the_ring_is_an_error(rig: Rig, pending: bool) -> None:
    build = hostile_build()
    pipe = build.pipe()
    reads = build.read(pipe, label="reads")
    session = rig.load(build)
    if pending:
        block(rig, session, reads)
    before = memory(session)
    for index in (SLOTS, SLOTS + 1, rig.abi.word_max, rig.abi.word_mask):
        word = session.wait(1, user_ring_idx=index)
        assert_error(rig, session, word, f"wait from index {index:#x} of a ring of {SLOTS}")
    assert_untouched(session, before, "an index beyond the ring")
    if pending:
        session.feed(pipe, b"x")
        assert_succeeded(rig, session.wait(1))
        assert_slots(session, reads, 0, 0, 0)
        session.consume()
    assert_lives(rig, session, "an index beyond the ring", "head")


@checks("fault.descriptor")
@pytest.mark.parametrize("what", ["ring", "descriptor"])
def test_a_descriptor_that_goes_bad_under_a_blocked_syslet_is_reported(rig: Rig, what: str) -> None:
    build = hostile_build()
    pipe = build.pipe()
    reads = build.read(pipe, label="reads")
    build.section("ring_section")
    build.code.append(Ring("passing_ring", SLOTS))
    build.section("descriptor_section")
    build.code.append(Head("passing", "passing_ring"))
    build.section("rest")
    build.code.append(Buffer("rest_bytes", 8))
    session = rig.load(build)
    block(rig, session, reads, head="passing")
    session.unmap(f"{what}_section")
    session.feed(pipe, b"x")
    rig.is_spent = True  # wait may see what is wrong before the syslet ends, and tells of it
    word = session.wait(1, Address("passing"), 0)
    assert_error(rig, session, word, f"wait, {what} unmapped while the syslet blocked")
    assert_lives(rig, session, f"an unmapped {what}")
    assert_lives(rig, session, f"an unmapped {what}", "head")
