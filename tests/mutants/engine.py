"""What every mutant is: the reference engine on the smallest ABI."""

from __future__ import annotations

import syslet_conformance.rig as rig_module
from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.session import Call
from syslet_layouts import Abi

WRONG_HANG_S = 1.0
"""A second is enough for what hangs on purpose."""


class Mutant(EmbeddedEngine):
    """The reference, before one thing in it is broken.

    Each runs in a process of its own, so a mutant may put another rule into a module.
    """

    abis = ("ilp32-le",)


class HangingMutant(Mutant):
    """It may hang: that is seen sooner than with an engine that is not known."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(rig_module)["HANG_S"] = WRONG_HANG_S
        Call.join.__defaults__ = (WRONG_HANG_S,)
