"""What the engine did, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

STEPS = {
    "fetch": "an atom was read: flags, nr, ret_ptr, next",
    "argument": "a parameter was read: index, pointer, value",
    "call": "the system call is made: nr, name",
    "block": "the call would block: where the syslet goes on",
    "result": "the call's signed result",
    "store": "the result was stored: ret_ptr",
    "stop": "whether the flags stop on the result: stopped",
    "successor": "the atom that follows: next, 0 where the syslet ends",
    "fault": "a touch of memory that is not mapped: address",
    "post": "an entry was put into a ring: head, and index or the errno that its place gave",
    "wake": "an asynchronous syslet has ended: how many are pending on its head",
    "return": "exec or wait returns: word",
}
"""Every kind of step, and what its detail holds."""


class Event(NamedTuple):
    """One step: its kind, the number of the syslet (from 1), its atom, and the detail."""

    step: str
    syslet: int
    atom: int
    detail: dict[str, int | str]


Trace = Callable[[Event], None]
