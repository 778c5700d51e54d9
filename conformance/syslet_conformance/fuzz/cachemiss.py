"""A call that need not block may go asynchronous all the same: engines are free to do so."""

from __future__ import annotations

from syslet_reference.blocking import Blocked, Waitable


class _Now(Waitable):
    """It lets go at once whoever waits for it."""

    class _Wakes(list[Blocked]):
        def append(self, blocked: Blocked) -> None:
            blocked.wake()

    def __init__(self) -> None:
        self.parked = self._Wakes()


_NOW = _Now()


def missed(result: int) -> Blocked:
    """A call that has ended with `result`, as one that blocks and is let go at once."""
    return Blocked(lambda: result, [_NOW])
