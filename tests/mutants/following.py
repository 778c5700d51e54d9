"""What follows an atom, by another rule: what the engines of two areas are wrong about."""

from __future__ import annotations

from typing import Any, NamedTuple

import syslet_reference.engine as shell
from mutants.engine import Mutant
from syslet_layouts import Abi
from syslet_reference.semantics import stops, successor


class Step(NamedTuple):
    """What `successor` is asked: the atom that has run, and what lies in it."""

    flags: int
    stopped: bool
    atom: int
    next: int
    atom_size: int
    word_mask: int

    def to(self, **changes: Any) -> int | None:
        """What the reference goes on with, where `changes` are made."""
        return successor(*self._replace(**changes))


class Follows(Mutant):
    """It has another rule for what follows an atom."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["successor"] = lambda *asked: self.follows(Step(*asked))

    def follows(self, step: Step) -> int | None:
        """As `successor`."""
        return step.to()

    def is_atom(self, address: int) -> bool:
        """Whether a whole atom can be read there."""
        return self.memory.is_mapped(address, self.abi.atom_size)


class Stops(Mutant):
    """It has another rule for where an atom stops."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["stops"] = self.holds

    def holds(self, flags: int, result: int) -> bool:
        """As `stops`."""
        return stops(flags, result)
