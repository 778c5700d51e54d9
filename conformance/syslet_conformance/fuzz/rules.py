"""Rules that need no oracle: what holds of an engine in whatever order its syslets run."""

from __future__ import annotations

from syslet_conformance.fuzz.arena import (
    OF_BAD,
    OF_EDGES,
    OF_ENDS,
    OF_NUMBERS,
    OF_POINTERS,
    OF_RINGS,
    OF_SCRATCH,
    PLACES,
    Arena,
    Place,
)
from syslet_conformance.fuzz.graph import may_come_back
from syslet_conformance.fuzz.play import ERROR, NULL_WORD, Outcome, uses_pipes
from syslet_conformance.fuzz.stream import (
    CLOSE,
    CONSUME,
    DRAIN,
    EMPTY,
    EXEC,
    POKE,
    STORE,
    WAIT,
    Step,
    Stream,
)
from syslet_layouts import Flag

_PLAIN = frozenset((0, *OF_NUMBERS, *OF_SCRATCH))
"""Places at which nothing lies that an engine goes by."""

_LOADED = _PLAIN.union(OF_POINTERS, OF_ENDS, (OF_BAD,), OF_EDGES) - {
    PLACES.index(Place("a7", "end", words=-1))
}
"""Places at which no address of an atom, ring or head lies."""

_BESIDE_ATOMS = _LOADED.union(OF_RINGS)
"""Places at which no word of an atom lies: what is stored there changes none, or faults."""


def is_plain(stream: Stream) -> bool:
    """Whether nothing writes into atoms, rings, heads or pointers, and no address of one is an
    argument; but for reads of more than a word.
    """
    written = [*stream.pointers, *(atom.ret for atom in stream.atoms)]
    return (
        _PLAIN.issuperset(written)
        and _loads_no_address(stream)
        and not any(step.kind in (POKE, STORE) for step in stream.steps)
    )


def may_not_end(stream: Stream, expected: Outcome) -> bool:
    """Whether some order of its syslets may go round for ever, though the one that is right ends.

    It may where several things are done at once, and a chain can come back to an atom: because
    atoms lead to each other, or because atoms are written to.
    """
    at_once = uses_pipes(stream) or NULL_WORD in expected.gave
    return at_once and goes_round_beside(stream)


def goes_round_beside(stream: Stream) -> bool:
    """Whether a chain can come back to an atom while another syslet, or the program, goes on."""
    execs = sum(step.kind == EXEC for step in stream.steps)
    changes = [step for step in stream.steps if step.kind in (STORE, POKE)]
    if execs < 2 and not changes and not _takes_what_is_read(stream):
        return False
    return not _keeps_atoms(stream, changes) or may_come_back(stream.atoms)


def _takes_what_is_read(stream: Stream) -> bool:
    """Whether the program empties a pipe, or closes an end of one, that an atom may read.

    What would have ended a chain that reads may be gone before it comes to that.
    """
    taken = {step.a for step in stream.steps if step.kind in (DRAIN, EMPTY)}
    taken.update(step.a // 2 for step in stream.steps if step.kind == CLOSE)
    return any(OF_ENDS[2 * pipe] in atom.args for pipe in taken for atom in stream.atoms)


def _keeps_atoms(stream: Stream, changes: list[Step]) -> bool:
    """Whether no atom is written to, neither by an atom nor by these steps."""
    atoms = stream.atoms
    written = [*stream.pointers, *(atom.ret for atom in atoms), *(step.a for step in changes)]
    return (
        _BESIDE_ATOMS.issuperset(written)
        and _loads_no_address(stream)
        and not any(step.kind == POKE for step in changes)
    )


def _loads_no_address(stream: Stream) -> bool:
    """Whether no address of an atom, ring or head is an argument."""
    return all(place in _LOADED for atom in stream.atoms for place in atom.args)


def broken(
    stream: Stream, arena: Arena, expected: Outcome, got: Outcome, *, enters_faults: bool
) -> str:
    """The rule that an outcome breaks, given one that is right; empty where it breaks none.

    Each syslet that went asynchronous completes once: with an entry or with an error, where all
    of them do in the right outcome; but for an engine that does not enter faults, one of which may
    lie in another order. An error of exec's may be of such a syslet, or a fault of its own. No
    byte of an atom changes that no place of the stream names.
    """
    if not is_plain(stream):
        return ""
    if enters_faults and _ends_alike(stream, expected):
        went, came = _went(stream, got), _came(stream, got)
        if came > went:
            return "more completions than syslets that went asynchronous"
        if came + _exec_errors(stream, got) < went:
            return "fewer completions than syslets that went asynchronous"
    start = arena.labels["c"]
    if expected.memory[start:] != got.memory[start:]:
        return "an atom changed that nothing names"
    return ""


def _ends_alike(stream: Stream, expected: Outcome) -> bool:
    no_complete = any(atom.flags & Flag.NO_COMPLETE for atom in stream.atoms)
    came = _came(stream, expected) + _exec_errors(stream, expected)
    return not no_complete and _went(stream, expected) == came


def _went(stream: Stream, outcome: Outcome) -> int:
    """How many syslets went asynchronous."""
    return sum(
        step.kind == EXEC and gave == NULL_WORD
        for step, gave in zip(stream.steps, outcome.gave, strict=False)
    )


def _came(stream: Stream, outcome: Outcome) -> int:
    """How many entries and errors of wait came."""
    came = sum(reported + len(entries) for reported, entries in outcome.ends)
    for step, gave in zip(stream.steps, outcome.gave, strict=False):
        if step.kind == CONSUME and isinstance(gave, tuple):
            came += len(gave)
        elif step.kind == WAIT and gave == ERROR:
            came += 1
    return came


def _exec_errors(stream: Stream, outcome: Outcome) -> int:
    pairs = zip(stream.steps, outcome.gave, strict=False)
    return sum(step.kind == EXEC and gave == ERROR for step, gave in pairs)
