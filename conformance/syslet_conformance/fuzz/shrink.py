"""Makes the stream of a find as small and plain as it can be, through Hypothesis.

Hypothesis draws streams and shrinks what it drew. So that it starts from a stream that somebody
else has drawn, the choices that would have led to it are put into its example database.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase, choices_to_bytes
from hypothesis.errors import NoSuchExample

from syslet_conformance.fuzz.arena import CODE
from syslet_conformance.fuzz.cut import cut
from syslet_conformance.fuzz.strategies import streams
from syslet_conformance.fuzz.stream import Stream, of_bytes, to_bytes

SHRINK_S = 25.0
"""How long one find is shrunk."""

MOST_KEPT = 10_000
"""So many of what a database has under a key are tried; of more, a sample."""


def choices(stream: Stream) -> list[int | bool]:
    """What `streams` would have to draw for it: before each thing of a list that there is one."""
    made: list[int | bool] = [slots - 1 for slots in stream.slots]
    made += [*stream.numbers, *stream.pointers]
    for atom in stream.atoms:
        made += [True, atom.at - CODE.start, atom.flags, atom.call, atom.ret, atom.next]
        for place in atom.args:
            made += [True, place]
        made += [False, atom.private, atom.at_large]
    made.append(False)
    for step in stream.steps:
        made += [True, *step]
    return [*made, False]


def shrunk(
    stream: Stream,
    still_differs: Callable[[Stream], bool],
    *,
    database: ExampleDatabase | None = None,
    key: bytes = b"find",
    limit_s: float = SHRINK_S,
) -> Stream:
    """The smallest stream that `still_differs`, of those tried within the time.

    In the database, under `key`, Hypothesis keeps what it came to: another run starts from that,
    where it differs there too, and does not shrink it again.
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
        max_examples=MOST_KEPT,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(streams(), differs, settings=quietly, database_key=key)
    except NoSuchExample:
        return of_bytes(to_bytes(stream))
