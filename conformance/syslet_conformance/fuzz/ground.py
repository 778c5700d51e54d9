"""What an engine may answer as it likes, asked once: no stream is judged by it."""

from __future__ import annotations

from dataclasses import dataclass, field

from syslet_conformance.builder import Build
from syslet_conformance.calls import Hang
from syslet_conformance.contract import Engine
from syslet_conformance.fuzz.arena import CALLS, NOWHERE, UNKNOWN_NR
from syslet_conformance.program import Address, Words
from syslet_conformance.session import Session, number_of
from syslet_layouts import Flag


@dataclass(frozen=True, slots=True)
class Ground:
    """The answers: of calls by their number, and of the engine as a whole.

    `returns_final`: a cached chain returns its last atom. `misses_unknown`: a call that it does not
    know goes asynchronous; `misses_failures`: so does one that fails for its descriptor. The others
    hold of the reference; where they do not hold of an engine, a
    stream that comes to such a thing is not judged. `runs_odd`: it runs what is not aligned, where
    others report an error. `drops`: an event that found no place is lost, where others deliver it
    later. `enters_faults`: what faults once it is asynchronous leaves its last atom as an entry,
    where others leave none. `reads_late`: the arguments of an atom that goes asynchronous are read
    there, where others report a bad one to the caller. `is_async_first`: ASYNC wins over SYNC.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    results: dict[int, int] = field(default_factory=dict)
    returns_final: bool = False
    runs_odd: bool = True
    drops: bool = True
    misses_unknown: bool = False
    misses_failures: bool = False
    enters_faults: bool = True
    reads_late: bool = True
    is_async_first: bool = True


def asked(engine: Engine) -> Ground:
    """Ask an engine. Missing where it lacks a call of `CALLS`; SysletError where it fails."""
    numbers = {name: number_of(engine, name) for name in CALLS if name != "unknown"}
    results = {
        nr: result_of(engine, nr)
        for nr in (numbers["getpid"], numbers["async_exec"], numbers["async_wait"], UNKNOWN_NR)
    }
    return Ground(
        numbers,
        results,
        returns_final=_returns_final(engine),
        runs_odd=_runs_odd(engine),
        drops=_drops(engine),
        misses_unknown=_misses_unknown(engine),
        misses_failures=_misses_failures(engine),
        enters_faults=_enters_faults(engine),
        reads_late=_reads_late(engine),
        is_async_first=_is_async_first(engine),
    )


def result_of(engine: Engine, nr: int) -> int:
    """What the call with that number, and no arguments, stores. SysletError where it fails."""
    build = Build(1)
    got = build.word(0)
    first = build.atom(nr, ret=got)
    session = Session(engine, build.program())
    try:
        if session.exec(first) == 0:
            session.wait(1)
            session.consume()
        return session.word(got)
    finally:
        session.close()


def _returns_final(engine: Engine) -> bool:
    build = Build(1)
    last = build.atom("getpid", label="last")
    first = build.atom("getpid", next=last)
    session = Session(engine, build.program())
    try:
        return session.exec(first) == session.address(last)
    finally:
        session.close()


def _runs_odd(engine: Engine) -> bool:
    """Whether an atom with an argument and a result at odd addresses runs."""
    build = Build(1)
    build.data.append(Words("odd", (0, 0, 0)))
    word = build.word(Address("odd", 1))
    first = build.atom("umem_add", word, Address("odd", engine.abi.word_bytes + 1), ret=0)
    session = Session(engine, build.program())
    try:
        at = session.address("odd") + engine.abi.word_bytes + 1
        engine.write(at, (1).to_bytes(engine.abi.word_bytes, engine.abi.byteorder))
        returned = session.exec(first)
        data = engine.read(session.address("odd") + 1, engine.abi.word_bytes)
        return returned != 0 and int.from_bytes(data, engine.abi.byteorder) == 1
    finally:
        session.close()


def _drops(engine: Engine) -> bool:
    """Whether the second of two events in a ring of one slot is lost, and reported once."""
    build = Build(1)
    first = build.atom("getpid", flags=Flag.ASYNC)
    session = Session(engine, build.program())
    try:
        for _ in range(2):
            session.exec(first)
        for _ in range(3):
            if engine.abi.signed(session.wait(9)) >= 0:
                break
        taken = len(session.consume())
        session.wait(9)
        return taken == 1 and not session.consume()
    finally:
        session.close()


def _misses_unknown(engine: Engine) -> bool:
    build = Build(1)
    return _goes_async(engine, build, build.atom(UNKNOWN_NR))


def _misses_failures(engine: Engine) -> bool:
    """Whether a read of a pipe's write end goes asynchronous."""
    build = Build(1)
    wrong_end = Address(f"{build.pipe()}.write")
    first = build.atom("read", wrong_end, build.word(build.buffer(1)), build.word(1))
    return _goes_async(engine, build, first)


def _enters_faults(engine: Engine) -> bool:
    """Whether the atom before one that cannot be read is an entry."""
    build = Build(1)
    first = build.atom("getpid", flags=Flag.ASYNC, next=NOWHERE)
    session = Session(engine, build.program())
    session.exec(first)
    entries = _entries(session)
    return entries is None or entries == [session.address(first)]


def _reads_late(engine: Engine) -> bool:
    build = Build(1)
    return _goes_async(engine, build, build.atom("umem_add", NOWHERE, flags=Flag.ASYNC))


def _is_async_first(engine: Engine) -> bool:
    build = Build(1)
    return _goes_async(engine, build, build.atom("getpid", flags=Flag.ASYNC | Flag.SYNC))


def _goes_async(engine: Engine, build: Build, first: Address) -> bool:
    session = Session(engine, build.program())
    word = session.exec(first)
    _entries(session)
    return word == 0


def _entries(session: Session) -> list[int] | None:
    """What a syslet left, and the session is over. None where wait hangs, which the hunt will find:
    then its memory stays for whoever waits.
    """
    try:
        session.wait(1)
    except Hang:
        return None
    entries = session.consume()
    session.close()
    return entries
