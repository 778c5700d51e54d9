"""Engines for hunts that go wrong in their own ways; each is ``python:hunted_engines:NAME``."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mutants.engine import Mutant

from syslet_layouts import Abi

PLACE = "SYSLET_TEST_HUNTED"
"""The variable with the directory in which `WaitsOnce` leaves word."""


class AddsThreeForTwo(Mutant):
    """umem_add of 2 adds 3."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        number = self.kernel.number("umem_add")
        assert number is not None
        right = self.kernel.calls[number]

        def add(args: Sequence[int]) -> Any:
            return right([args[0], args[1] + 1] if args[1] == 2 else args)

        self.kernel.calls[number] = add


class WaitsOnce(Mutant):
    """One process of those that run it stops for good in the middle of what it plays.

    It leaves its process id, and that of its parent, in ``playing``.
    """

    execs = 0

    def _exec(self, atom: int, head: int) -> int:
        self.execs += 1
        if self.execs == 50:
            self._wait_for_good()
        return super()._exec(atom, head)

    def _wait_for_good(self) -> None:
        place = Path(os.environ[PLACE])
        try:
            (place / "claimed").touch(exist_ok=False)
        except FileExistsError:
            return
        (place / "fresh").write_text(f"{os.getpid()} {os.getppid()}")
        (place / "fresh").rename(place / "playing")
        while True:
            time.sleep(60)
