"""Makes the stream of a find as small and plain as it can be, through Hypothesis.

Hypothesis draws streams and shrinks what it drew. So that it starts from a stream that somebody
else has drawn, the choices that would have led to it are put into its example database.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase, choices_to_bytes
from hypothesis.errors import NoSuchExample

from syslet_conformance.fuzz.arena import (
    CALLS,
    CODE,
    NUMBER_WORDS,
    NUMBERS,
    PLACES,
    POINTER_WORDS,
    SLOTS,
)
from syslet_conformance.fuzz.cut import cut
from syslet_conformance.fuzz.stream import (
    KINDS,
    LIMITS,
    MOST_STEPS,
    Drawn,
    Step,
    Stream,
    of_bytes,
    to_bytes,
)
from syslet_layouts import ARGUMENTS

SHRINK_S = 25.0
"""How long one find is shrunk."""


def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@st.composite
def atoms(draw: st.DrawFn) -> Drawn:
    """One atom; the plainest is ``umem_add`` without arguments at ``a0``."""
    at = CODE[draw(_below(len(CODE)))]
    flags, call = draw(_below(256)), draw(_below(len(CALLS)))
    ret, following = draw(_below(len(PLACES))), draw(_below(len(PLACES)))
    args: list[int] = []
    while len(args) < ARGUMENTS and draw(st.booleans()):
        args.append(draw(_below(len(PLACES))))
    private, at_large = draw(_below(len(NUMBERS))), draw(_below(2))
    return Drawn(at, flags, call, ret, following, tuple(args), private, at_large)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """One step; the plainest is an exec."""
    kind = draw(_below(len(KINDS)))
    a, b, c = (draw(_below(limit)) for limit in LIMITS[kind])
    return Step(kind, a, b, c)


@st.composite
def streams(draw: st.DrawFn, most_atoms: int = 8, most_steps: int = MOST_STEPS) -> Stream:
    """Streams, each with up to so many atoms and steps. They shrink to the plainest choices."""
    slots = (draw(_below(SLOTS)) + 1, draw(_below(SLOTS)) + 1)
    numbers = tuple(draw(_below(len(NUMBERS))) for _ in range(NUMBER_WORDS))
    pointers = tuple(draw(_below(len(PLACES))) for _ in range(POINTER_WORDS))
    of_atoms: dict[int, Drawn] = {}
    count = 0
    while count < most_atoms and draw(st.booleans()):
        atom = draw(atoms())
        of_atoms[atom.at] = atom
        count += 1
    of_steps: list[Step] = []
    while len(of_steps) < most_steps and draw(st.booleans()):
        of_steps.append(draw(steps()))
    in_order = tuple(of_atoms[at] for at in sorted(of_atoms))
    return Stream(slots, numbers, pointers, in_order, tuple(of_steps))


def choices(stream: Stream, most_atoms: int = 8, most_steps: int = MOST_STEPS) -> list[int | bool]:
    """What `streams` would have to draw for it."""
    made: list[int | bool] = [slots - 1 for slots in stream.slots]
    made += [*stream.numbers, *stream.pointers]
    for atom in stream.atoms:
        made += [True, atom.at - CODE.start, atom.flags, atom.call, atom.ret, atom.next]
        for place in atom.args:
            made += [True, place]
        if len(atom.args) < ARGUMENTS:
            made.append(False)
        made += [atom.private, atom.at_large]
    if len(stream.atoms) < most_atoms:
        made.append(False)
    for step in stream.steps:
        made += [True, *step]
    if len(stream.steps) < most_steps:
        made.append(False)
    return made


def shrunk(
    stream: Stream,
    still_differs: Callable[[Stream], bool],
    *,
    database: ExampleDatabase | None = None,
    key: bytes = b"find",
    limit_s: float = SHRINK_S,
) -> Stream:
    """The smallest stream that `still_differs`, of those tried within the time.

    In the database, under `key`, Hypothesis keeps what it came to: another run starts from that.
    """
    kept = InMemoryExampleDatabase() if database is None else database
    until = time.monotonic() + limit_s
    tried: dict[Stream, bool] = {stream: True}

    def differs(drawn: Stream) -> bool:
        if drawn not in tried:
            if time.monotonic() > until:
                return False
            tried[drawn] = still_differs(drawn)
        return tried[drawn]

    stream = cut(stream, differs)
    kept.save(key + b".secondary", choices_to_bytes(tuple(choices(stream))))
    quietly = settings(
        database=kept,
        phases=(Phase.reuse, Phase.shrink),
        max_examples=1,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(streams(), differs, settings=quietly, database_key=key)
    except NoSuchExample:
        return of_bytes(to_bytes(stream))
