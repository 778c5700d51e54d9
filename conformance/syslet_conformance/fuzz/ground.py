"""What an engine may answer as it likes, asked once: no stream is judged by it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
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
    know goes asynchronous. The others hold of the reference; where they do not hold of an engine, a
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
    enters_faults: bool = True
    reads_late: bool = True
    is_async_first: bool = True


def asked(
    engine: Engine,
    *,
    unasked: Collection[str] = (),
    before: Callable[[str], object] = str,
) -> Ground:
    """Ask an engine; `before` is told of each question of `QUESTIONS`, but for those `unasked`.

    Those are answered as of the reference. Missing where it lacks a call of `CALLS`; SysletError
    where it fails, Hang among them: then what it is asked next says nothing.
    """
    numbers = {name: number_of(engine, name) for name in CALLS if name != "unknown"}
    results = {
        nr: result_of(engine, nr)
        for nr in (numbers["getpid"], numbers["async_exec"], numbers["async_wait"], UNKNOWN_NR)
    }
    answers: dict[str, bool] = {}
    for name, question in QUESTIONS.items():
        if name in unasked:
            continue
        before(name)
        answers[name] = question(engine)
    return Ground(numbers, results, **answers)


@contextmanager
def _session(engine: Engine, build: Build) -> Iterator[Session]:
    """A session; where a call hangs, the memory stays for whoever waits."""
    session = Session(engine, build.program())
    try:
        yield session
    except Hang:
        raise
    except BaseException:
        session.close()
        raise
    session.close()


def result_of(engine: Engine, nr: int) -> int:
    """What the call with that number, and no arguments, stores. SysletError where it fails."""
    build = Build(1)
    got = build.word(0)
    first = build.atom(nr, ret=got)
    with _session(engine, build) as session:
        if session.exec(first) == 0:
            session.wait(1)
            session.consume()
        return session.word(got)


def _returns_final(engine: Engine) -> bool:
    build = Build(1)
    last = build.atom("getpid", label="last")
    first = build.atom("getpid", next=last)
    with _session(engine, build) as session:
        return session.exec(first) == session.address(last)


def _runs_odd(engine: Engine) -> bool:
    """Whether an atom with an argument and a result at odd addresses runs."""
    build = Build(1)
    build.data.append(Words("odd", (0, 0, 0)))
    word = build.word(Address("odd", 1))
    first = build.atom("umem_add", word, Address("odd", engine.abi.word_bytes + 1), ret=0)
    with _session(engine, build) as session:
        at = session.address("odd") + engine.abi.word_bytes + 1
        engine.write(at, (1).to_bytes(engine.abi.word_bytes, engine.abi.byteorder))
        returned = session.exec(first)
        data = engine.read(session.address("odd") + 1, engine.abi.word_bytes)
        return returned != 0 and int.from_bytes(data, engine.abi.byteorder) == 1


def _drops(engine: Engine) -> bool:
    """Whether the second of two events in a ring of one slot is lost, and reported once."""
    build = Build(1)
    first = build.atom("getpid", flags=Flag.ASYNC)
    with _session(engine, build) as session:
        for _ in range(2):
            session.exec(first)
        for _ in range(3):
            if engine.abi.signed(session.wait(9)) >= 0:
                break
        taken = len(session.consume())
        session.wait(9)
        return taken == 1 and not session.consume()


def _misses_unknown(engine: Engine) -> bool:
    build = Build(1)
    return _goes_async(engine, build, build.atom(UNKNOWN_NR))


def _enters_faults(engine: Engine) -> bool:
    """Whether the atom before one that cannot be read is an entry."""
    build = Build(1)
    first = build.atom("getpid", flags=Flag.ASYNC, next=NOWHERE)
    with _session(engine, build) as session:
        session.exec(first)
        session.wait(1)
        return session.consume() == [session.address(first)]


def _reads_late(engine: Engine) -> bool:
    build = Build(1)
    return _goes_async(engine, build, build.atom("umem_add", NOWHERE, flags=Flag.ASYNC))


def _is_async_first(engine: Engine) -> bool:
    build = Build(1)
    return _goes_async(engine, build, build.atom("getpid", flags=Flag.ASYNC | Flag.SYNC))


def _goes_async(engine: Engine, build: Build, first: Address) -> bool:
    with _session(engine, build) as session:
        word = session.exec(first)
        session.wait(1)
        session.consume()
        return word == 0


QUESTIONS: dict[str, Callable[[Engine], bool]] = {
    "returns_final": _returns_final,
    "runs_odd": _runs_odd,
    "drops": _drops,
    "misses_unknown": _misses_unknown,
    "enters_faults": _enters_faults,
    "reads_late": _reads_late,
    "is_async_first": _is_async_first,
}
"""What each of those fields of `Ground` is asked by."""
