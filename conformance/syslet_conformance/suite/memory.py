"""What lies in a program's memory, and that nothing else was written there."""

from __future__ import annotations

from syslet_conformance.session import Session

COMPLETION = ("ring", "head")
"""What an engine writes when a syslet is over: the labels of `Build`'s own ring."""


def sections(session: Session, *but: str) -> dict[str, bytes]:
    """The bytes of all sections but those named."""
    return {
        section.label: session.engine.read(base, section.size_bytes)
        for section, base in zip(session.layout.sections, session.bases, strict=True)
        if section.label and section.size_bytes and section.label not in but
    }


def assert_untouched(session: Session, before: dict[str, bytes], what: str, *but: str) -> None:
    """The sections that `sections` gave hold what they held, except what the labels `but` name."""
    places = {section.label: section.placed for section in session.layout.sections}
    for label, data in before.items():
        got = bytearray(session.engine.read(session.address(label), len(data)))
        for placed in places[label]:
            if placed.declaration.label in but:
                part = slice(placed.offset, placed.offset + placed.size_bytes)
                got[part] = data[part]
        assert got == data, (
            f"{what}: expected nothing else written, got another byte at {label}"
            f"+{next(i for i, (a, b) in enumerate(zip(got, data, strict=True)) if a != b)}"
        )
