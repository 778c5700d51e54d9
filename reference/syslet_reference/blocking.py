"""How a virtual system call blocks: it says what it waits for, and how to try again."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Blocked:
    """The answer of a call that cannot end yet.

    `retry` tries again and answers a result or Blocked once more. `park` puts it on what it
    waits for; whoever wakes it calls `on_wake`, once.
    """

    __slots__ = ("_on", "on_wake", "retry")

    def __init__(self, retry: Callable[[], int | Blocked], on: list[Waitable]) -> None:
        self.retry = retry
        self.on_wake: Callable[[], None] | None = None
        self._on = on

    def park(self, on_wake: Callable[[], None]) -> None:
        """Wait: `on_wake` is called when it is worth trying again."""
        self.on_wake = on_wake
        for waitable in self._on:
            waitable.parked.append(self)

    def wake(self) -> None:
        """Wake it, unless that was done."""
        on_wake, self.on_wake = self.on_wake, None
        if on_wake is not None:
            on_wake()


class Waitable:
    """Anything that a call may wait for."""

    def __init__(self) -> None:
        self.parked: list[Blocked] = []

    def wake_all(self) -> None:
        """Something changed: everyone who waits here may try again, in the order they came."""
        parked, self.parked = self.parked, []
        for blocked in parked:
            blocked.wake()


class Clock:
    """Virtual time in nanoseconds; it moves only when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 0
        self._alarms: list[tuple[int, int, Waitable]] = []
        self._made = 0

    def alarm(self, at_ns: int) -> Waitable:
        """Something that is woken once the time is `at_ns`."""
        waitable = Waitable()
        self._made += 1
        heapq.heappush(self._alarms, (at_ns, self._made, waitable))
        return waitable

    def advance(self, by_ns: int) -> None:
        """Let time pass, and wake what it wakes."""
        self.now_ns += by_ns
        while self._alarms and self._alarms[0][0] <= self.now_ns:
            heapq.heappop(self._alarms)[2].wake_all()

    def advance_to_next_alarm(self) -> bool:
        """Jump to the next alarm that somebody waits for; False where there is none."""
        while self._alarms:
            at_ns, _, waitable = self._alarms[0]
            if any(blocked.on_wake for blocked in waitable.parked):
                self.advance(max(at_ns - self.now_ns, 0))
                return True
            heapq.heappop(self._alarms)
        return False
