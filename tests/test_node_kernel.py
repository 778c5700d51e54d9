"""Calls of the example engine in JavaScript that the suite does not ask for."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest
from node_engine import OUTSTANDING, needs_node, one_abi, opened

from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.session import Session
from syslet_conformance.text import parse
from syslet_layouts import ABIS, SysletError

pytestmark = needs_node


@pytest.fixture(params=ABIS)
def engine(request: pytest.FixtureRequest) -> Iterator[ProtocolEngine]:
    """The engine on each ABI."""
    yield from opened(request.param)


def words_after(engine: ProtocolEngine, text: str, *labels: str) -> list[int]:
    """Run the program's steps; the signed words at these labels."""
    session = Session(engine, parse(text))
    for step in session.program.steps:
        session.perform(step)
    return [session.word(label) for label in labels]


def test_a_file_keeps_what_was_written_and_its_descriptors_share_a_position(
    engine: ProtocolEngine,
) -> None:
    text = """
    string name = "notes\\x00"
    string data = "hello"
    buffer room 8
    word name_at = &name
    word data_at = &data
    word room_at = &room
    word flags = 0x42
    word mode = 0o600
    word five = 5
    word two = 2
    word none = 0
    word fd
    word copy
    word wrote
    word at
    word got
    word at_end
    ring completions 1
    head h ring=completions
    atom opens open(&name_at, &flags, &mode) ret=&fd next=&writes
    atom writes write(&fd, &data_at, &five) ret=&wrote next=&dups
    atom dups dup(&fd) ret=&copy next=&seeks
    atom seeks lseek(&fd, &two, &none) ret=&at next=&reads
    atom reads read(&copy, &room_at, &five) ret=&got next=&again
    atom again read(&fd, &room_at, &five) ret=&at_end
    exec &opens head=&h
    """.replace("0o600", str(0o600))
    labels = ("fd", "copy", "wrote", "at", "got", "at_end")
    assert words_after(engine, text, *labels) == [3, 4, 5, 2, 3, 0]


POLLS = """
pipe p
pipe q
word fds_at = &fds
word two = 2
word patience = {timeout_ms}
word count = -7
ring completions 1
head h ring=completions
atom polls poll(&fds_at, &two, &patience) ret=&count
buffer fds 16
"""


def pollfds(session: Session) -> list[int]:
    """The revents of both entries of `POLLS`."""
    data = session.engine.read(session.address("fds"), 16)
    order = session.abi.byteorder
    return [int.from_bytes(data[at + 6 : at + 8], order) for at in (0, 8)]


def polling(engine: ProtocolEngine, timeout_ms: int) -> Session:
    """`POLLS`, loaded: both read ends are polled for POLLIN."""
    session = Session(engine, parse(POLLS.format(timeout_ms=timeout_ms)))
    for number, pipe in enumerate(("p", "q")):
        order = engine.abi.byteorder
        entry = session.pipes[pipe][0].to_bytes(4, order) + (1).to_bytes(2, order) + bytes(2)
        engine.write(session.address("fds") + 8 * number, entry)
    return session


def test_poll_blocks_until_one_of_its_pipes_can_be_read(engine: ProtocolEngine) -> None:
    session = polling(engine, -1)
    assert session.exec("polls", "h") == 0
    session.feed("q", b"x")
    assert session.wait(1, "h") == 0
    assert (session.word("count"), pollfds(session)) == (1, [0, 1])


def test_poll_gives_up_after_its_time(engine: ProtocolEngine) -> None:
    session = polling(engine, 1)
    assert session.exec("polls", "h") == 0
    assert session.wait(1, "h") == 0
    assert (session.word("count"), pollfds(session)) == (0, [0, 0])
    session = polling(engine, 0)
    assert session.exec("polls", "h") == session.address("polls")
    assert session.word("count") == 0


@one_abi
def test_a_read_that_blocks_keeps_its_pipe_open(engine: ProtocolEngine) -> None:
    session = Session(engine, parse(OUTSTANDING))
    assert session.exec("pending", "h") == 0
    session.close_end("q.read")
    session.feed("q", b"y")
    assert session.wait(1, "h") == 0
    assert engine.read(session.address("room"), 1) == b"y"
    with pytest.raises(SysletError, match="broken pipe"):
        session.feed("q", b"z")


WRITES = """
pipe p
word data_at = &data
word size = 70000
word wrote = -7
ring completions 1
head h ring=completions
atom writes write(&p.write, &data_at, &size) ret=&wrote
buffer data 70000
"""


@one_abi
def test_a_write_blocks_while_the_pipe_is_full(engine: ProtocolEngine) -> None:
    session = Session(engine, parse(WRITES))
    assert session.exec("writes", "h") == 0
    assert session.word("wrote") == -7
    assert len(session.drain("p", 65536)) == 65536
    assert session.wait(1, "h") == 0
    assert session.word("wrote") == 70000
    assert session.drain("p", 65536) == bytes(70000 - 65536)


@one_abi
def test_a_write_that_blocks_ends_when_nobody_can_read_any_more(engine: ProtocolEngine) -> None:
    session = Session(engine, parse(WRITES))
    assert session.exec("writes", "h") == 0
    session.close_end("p.read")
    assert session.wait(1, "h") == 0
    assert session.word("wrote") == 65536
    assert session.exec("writes", "h") == session.address("writes")
    assert session.word("wrote") == -errno.EPIPE
