"""Steps that several areas take: submit what blocks, let it go, look at the ring.

What should block is started in a thread, looked at after `ROUND_TRIPS` calls of the
contract, and only then let go.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from syslet_conformance.builder import Build
from syslet_conformance.calls import Call
from syslet_conformance.program import Address
from syslet_conformance.rig import Ran, Rig
from syslet_conformance.session import Session
from syslet_layouts import Flag

ROUND_TRIPS = 16
"""How many calls of the contract a call has to outlast to count as blocked."""

LOOK_S = 0.002
"""How long the last look lets the call's thread run: a call that was woken has to show it."""


UNREADABLE = 8
"""An address in the first page, which no engine maps."""

BAD_DESCRIPTOR = 1 << 20
"""A descriptor that nobody has open."""


def assert_still_blocked(session: Session, call: Call, why: str) -> None:
    """The started `call` outlasts `ROUND_TRIPS` calls of the contract."""
    for _ in range(ROUND_TRIPS):
        session.engine.read(session.bases[0], 1)
    returned = call.returns_within(LOOK_S)
    assert not returned, f"{call.what}: expected it to block ({why}), got {call.join():#x}"


def assert_succeeded(rig: Rig, word: int) -> None:
    """A wait's return word is no error; that it is 0 is `wait.zero-on-success`."""
    assert not rig.is_error(word), f"wait: expected success, got {rig.errno(word)}"


def readers(build: Build, count: int, flags: Flag | int = 0) -> list[tuple[str, Address]]:
    """`count` syslets of one atom, each with an empty pipe of its own that it reads."""
    pipes = [build.pipe() for _ in range(count)]
    return [(pipe, build.read(pipe, flags=flags)) for pipe in pipes]


def block(rig: Rig, session: Session, *atoms: Address, head: str = "head") -> None:
    """Submit syslets that block."""
    for atom in atoms:
        word = session.exec(atom, head)
        assert word == 0, f"exec of a syslet that blocks: expected NULL, got {rig.errno(word)}"


def complete(rig: Rig, session: Session, *atoms: Address, head: str = "head") -> None:
    """Run ASYNC syslets one after the other, each until its entry is in the ring."""

    def taken() -> int:
        return sum(slot != 0 for slot in session.slots(head))

    before = taken()
    for done, atom in enumerate(atoms, 1):
        block(rig, session, atom, head=head)
        rig.until(partial(_reaches, taken, before + done), "the entry of an ASYNC syslet")


def _reaches(count: Callable[[], int], wanted: int) -> bool:
    return count() >= wanted


def assert_slots(session: Session, *expected: Address | int, head: str = "head") -> None:
    """The ring holds exactly that."""
    wanted = [session.name(session.address(slot)) for slot in expected]
    got = [session.name(slot) for slot in session.slots(head)]
    assert got == wanted, f"ring: expected {wanted}, got {got}"


def assert_words(session: Session, **expected: int) -> None:
    """The variables with these labels hold these signed words."""
    got = dict(zip(expected, session.values(*expected), strict=True))
    assert got == expected, f"variables: expected {expected}, got {got}"


def assert_drained(session: Session, pipe: str, expected: bytes, when: str = "") -> None:
    """A pipe holds exactly `expected`, which is taken out of it."""
    got = session.drain(pipe, len(expected) + 16)
    assert got == expected, f"{pipe}{when and f' {when}'}: expected {expected!r}, got {got!r}"


def release(rig: Rig, session: Session, pipe: str, head: str = "head") -> None:
    """Feed a reader that is blocked; its entry comes into the ring with no further call.

    One reader after the other: so their entries have an order.
    """

    def taken() -> int:
        return sum(slot != 0 for slot in session.slots(head))

    before = taken()
    session.feed(pipe, b"x")
    rig.until(partial(_reaches, taken, before + 1), "the entry of a syslet that was fed")


def assert_cached(rig: Rig, session: Session, first: Address, word: int) -> None:
    """Exec returned the submitted atom, and nothing is in the ring."""
    got = rig.errno(word) if rig.is_error(word) else session.name(word)
    assert word == session.address(first), f"exec: expected &{first.label}, got {got}"
    assert not any(session.slots()), f"ring: expected no entry, got {session.slots()}"


def assert_not_null(rig: Rig, word: int) -> None:
    """Exec returned an address; whether it is the first or the final atom is not asked here."""
    assert word, "exec: expected an address, got NULL"
    assert not rig.is_error(word), f"exec: expected an address, got {rig.errno(word)}"


def assert_null(rig: Rig, word: int) -> None:
    """Exec returned NULL."""
    assert word == 0, f"exec: expected NULL, got {rig.errno(word):#x}"


def until_word(rig: Rig, session: Session, label: str, value: int) -> None:
    """Look until a variable holds that."""
    rig.until(lambda: session.word(label) == value, f"{label} to be {value}")


def wait_for_all(rig: Rig, session: Session, head: str = "head") -> None:
    """Wait until nothing is pending: a test must not end, and unmap, under what still runs."""
    assert_succeeded(rig, session.wait(len(session.slots(head)) + 1, head))


def await_end(rig: Rig, session: Session) -> None:
    """Wait for the one syslet that is pending, and take its entry."""
    assert_succeeded(rig, session.wait(1))
    assert session.consume(1), "expected an entry, got none"


def finish_blocked(rig: Rig, session: Session, first: Address, pipe: str) -> None:
    """Submit a syslet that blocks in a read of `pipe`, feed it, and wait for its end."""
    block(rig, session, first)
    session.feed(pipe, b"x")
    await_end(rig, session)


def fed(rig: Rig, session: Session, pipe: str, data: bytes) -> Ran:
    """What comes of the one syslet that is blocked, when `data` is there to be read."""
    session.feed(pipe, data)
    assert_succeeded(rig, session.wait(1))
    return Ran(0, session.slots()[0])
