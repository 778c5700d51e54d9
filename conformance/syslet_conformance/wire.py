"""What both sides of the engine protocol agree on: its limits, and how values are written."""

from __future__ import annotations

PROTOCOL_VERSION = 1

LINE_BYTES = 65536
"""The longest line either way, its newline included."""

DATA_BYTES = 7 * 4096
"""What one peek, poke, feed or drain moves at most, so that its line is not too long: whole
pages, so that parts leave no room between them in a pipe."""

ANY = "any"
"""The ABI asked for when the engine may choose."""

SHOWN_BYTES = 200
"""How much of a line that is wrong is shown."""


def shown(line: bytes) -> str:
    """The start of a line, without what a terminal would act on."""
    return line[:SHOWN_BYTES].decode("ascii", "backslashreplace")


def printable(text: str) -> str:
    """The text on one line: what is not printable ASCII is a question mark."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def to_number(text: str) -> int:
    """A decimal or 0x-hex number; -1 where it is none."""
    try:
        if text[:2] in {"0x", "0X"}:
            return int(text[2:], 16) if text[2:].isalnum() else -1
        return int(text) if text.isdecimal() and text.isascii() else -1
    except ValueError:
        return -1


def to_bytes(text: str) -> bytes | None:
    """Pairs of hex digits, or ``-`` for none; None where it is neither."""
    if text == "-":
        return b""
    try:
        return bytes.fromhex(text) if text.isalnum() else None
    except ValueError:
        return None


def from_bytes(data: bytes) -> str:
    """The bytes as `to_bytes` takes them."""
    return data.hex() or "-"
