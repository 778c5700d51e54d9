"""What every mutant is: the reference engine on the smallest ABI."""

from __future__ import annotations

from typing import Any

import syslet_conformance.rig as rig_module
from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.calls import Call
from syslet_layouts import Abi

WRONG_HANG_S = 1.0
"""A second is enough for what hangs on purpose."""


class Mutant(EmbeddedEngine):
    """The reference, before one thing in it is broken.

    Each runs in a process of its own, so a mutant may put another rule into a module.
    """

    abis = ("ilp32-le",)


class Sees(Mutant):
    """It takes the fields of an atom for others: packed or not, `seen` gives them."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        unpack = self._atom_unpack

        def unpack_seen(buffer: Any, offset: int = 0) -> tuple[Any, ...]:
            return self.seen(unpack(buffer, offset))

        self._atom_unpack = unpack_seen

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        return self.seen(super()._fetch_packed(address))

    def seen(self, fields: tuple[Any, ...]) -> tuple[Any, ...]:
        """What it takes the fields of the atom fetched now for."""
        return fields


class HangingMutant(Mutant):
    """It may hang: that is seen sooner than with an engine that is not known."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(rig_module)["HANG_S"] = WRONG_HANG_S
        Call.join.__defaults__ = (WRONG_HANG_S,)
