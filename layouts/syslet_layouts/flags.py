"""The flag bits of an atom (requirement layout.flag-bits; source: abi)."""

from __future__ import annotations

from enum import IntFlag


class Flag(IntFlag):
    """What an atom may ask for; names are the ABI's without the SYSLET_ prefix."""

    ASYNC = 0x01
    SYNC = 0x02
    NO_COMPLETE = 0x04
    STOP_ON_NONZERO = 0x08
    STOP_ON_ZERO = 0x10
    STOP_ON_NEGATIVE = 0x20
    STOP_ON_NON_POSITIVE = 0x40
    SKIP_TO_NEXT_ON_STOP = 0x80


STOP_FLAGS = (
    Flag.STOP_ON_NONZERO | Flag.STOP_ON_ZERO | Flag.STOP_ON_NEGATIVE | Flag.STOP_ON_NON_POSITIVE
)
