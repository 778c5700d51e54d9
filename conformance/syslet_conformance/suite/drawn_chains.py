"""Chains drawn at random, and what must come of them by the table of requirements alone.

`walk` is written from the rows chain.* and skip.*, for whoever reads a failure: it shares
no line with an engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from syslet_conformance.builder import Build
from syslet_conformance.program import NULL, Address
from syslet_layouts import STOP_FLAGS, Abi, Flag

MOST_LINKS = 12
FUEL = 6
"""How often a chain may go back: every backward edge leads through an atom that burns it."""

UNTOUCHED = 77
"""What the result word of an atom holds until it has run."""

SKIP = Flag.SKIP_TO_NEXT_ON_STOP


@dataclass(frozen=True, slots=True)
class Link:
    """Atom i of a chain: ``umem_add(&v[word], inc)``, and the number of its next atom."""

    word: int
    inc: int
    flags: Flag
    next: int | None


@dataclass(frozen=True, slots=True)
class Chain:
    """The variables at the start, the last one the fuel; atoms that lie one full atom apart.

    0 is the first atom.
    """

    values: tuple[int, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """Which atoms run, in order; what variables and results hold at the end."""

    path: list[int]
    values: list[int]
    results: list[int]


def walk(abi: Abi, chain: Chain) -> Walk:
    """Run the chain on paper."""
    values, results = list(chain.values), [UNTOUCHED] * len(chain.links)
    path: list[int] = []
    at: int | None = 0
    while at is not None:
        link = chain.links[at]
        result = abi.signed(abi.unsigned(values[link.word] + link.inc))
        values[link.word] = results[at] = result
        path.append(at)
        stopped = (
            (Flag.STOP_ON_NONZERO in link.flags and result != 0)
            or (Flag.STOP_ON_ZERO in link.flags and result == 0)
            or (Flag.STOP_ON_NEGATIVE in link.flags and result < 0)
            or (Flag.STOP_ON_NON_POSITIVE in link.flags and result <= 0)
        )
        skipped = at + 1 if SKIP in link.flags else None
        at = skipped if stopped else link.next
    return Walk(path, values, results)


@st.composite
def chains(draw: st.DrawFn, abi: Abi) -> Chain:
    """A chain of up to `MOST_LINKS` atoms with any edges, and one for each way back."""
    extremes = [abi.word_min, abi.word_min + 1, abi.word_max - 1, abi.word_max]
    numbers = st.integers(-2, 2) | st.sampled_from(extremes)
    flags = st.integers(0, 31).map(lambda bits: Flag(bits * Flag.STOP_ON_NONZERO))
    link = st.builds(
        Link, st.integers(0, 3), numbers, flags, st.none() | st.integers(0, MOST_LINKS - 1)
    )
    values = draw(st.lists(numbers, min_size=1, max_size=4))
    links = draw(st.lists(link, min_size=1, max_size=MOST_LINKS))
    for here, drawn in enumerate(links):
        following = None if drawn.next is None else drawn.next % len(links)
        links[here] = replace(drawn, word=drawn.word % len(values), next=following)
    links[-1] = replace(links[-1], flags=links[-1].flags & STOP_FLAGS)
    return _with_fuel(values, links)


def _with_fuel(values: list[int], links: list[Link]) -> Chain:
    """Each edge that does not lead forward burns fuel first, in an atom behind the others."""
    gates: list[Link] = []
    for here, link in enumerate(links):
        if link.next is not None and link.next <= here:
            links[here] = replace(link, next=len(links) + len(gates))
            flags = Flag.STOP_ON_NEGATIVE | Flag.STOP_ON_NON_POSITIVE
            gates.append(Link(len(values), -1, flags, link.next))
    return Chain((*values, FUEL), (*links, *gates))


def build_chain(chain: Chain) -> Build:
    """The chain as a program: variables ``v0``…, results ``result_0``…, atoms ``atom_0``…"""
    build = Build()
    variables = [build.word(value, label=f"v{i}") for i, value in enumerate(chain.values)]
    pointers = [build.word(v, label=f"to_{v.label}") for v in variables]
    for number, link in enumerate(chain.links):
        build.atom(
            "umem_add",
            pointers[link.word],
            build.word(link.inc, label=f"inc_{number}"),
            flags=link.flags,
            ret=build.word(UNTOUCHED, label=f"result_{number}"),
            next=NULL if link.next is None else Address(f"atom_{link.next}"),
            label=f"atom_{number}",
        )
    return build
