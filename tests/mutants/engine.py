"""What every mutant is: the reference engine on the smallest ABI."""

from __future__ import annotations

from syslet_conformance.backends import EmbeddedEngine


class Mutant(EmbeddedEngine):
    """The reference, before one thing in it is broken.

    Each runs in a process of its own, so a mutant may put another rule into a module.
    """

    abis = ("ilp32-le",)
