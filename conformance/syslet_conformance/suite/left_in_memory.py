"""What syslets of the area arguments are given, and what they leave in memory."""

from __future__ import annotations

from syslet_conformance.program import Address, Head, Ring
from syslet_conformance.rig import Rig
from syslet_conformance.session import Session

EBADF, EAGAIN, EFAULT, ENOSYS = 9, 11, 14, 38

UNREADABLE = 8
"""An address in the first page, which no engine maps."""

BAD_DESCRIPTOR = 1 << 20


def finish_blocked(rig: Rig, session: Session, first: Address, pipe: str) -> None:
    """Submit a syslet that blocks in a read of `pipe`, feed it, and wait for its end."""
    word = session.exec(first)
    assert word == 0, f"exec of a syslet that blocks: expected NULL, got {rig.errno(word)}"
    session.feed(pipe, b"x")
    await_end(rig, session)


def await_end(rig: Rig, session: Session) -> None:
    """Wait for the one syslet that is pending."""
    waited = session.wait(1)
    assert not rig.is_error(waited), f"wait: expected success, got {rig.errno(waited)}"
    entries = session.consume(1)
    assert entries, "expected an entry, got none"


def memory(session: Session) -> dict[str, bytes]:
    """The bytes of everything but rings and descriptors, by label."""
    found = {}
    for section in session.layout.sections:
        for item in section.placed:
            if not isinstance(item.declaration, Ring | Head):
                label = item.declaration.label
                found[label] = session.engine.read(session.address(label), item.size_bytes)
    return found


def assert_untouched(before: dict[str, bytes], after: dict[str, bytes], *but: str) -> None:
    """All memory is as it was, except what these labels name."""
    changed = [label for label in before if before[label] != after[label] and label not in but]
    assert not changed, f"expected nothing else to change, got changes in {changed}"
