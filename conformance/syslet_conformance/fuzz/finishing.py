"""What is done with a find: it is shrunk, repeated, and written down for whoever reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis.database import ExampleDatabase

from syslet_conformance.fuzz.finds import ENDS, SAID, Find, kind_of
from syslet_conformance.fuzz.promoting import PROGRAM
from syslet_conformance.fuzz.shrink import SHRINK_S, shrunk
from syslet_conformance.fuzz.stream import Stream, to_bytes
from syslet_conformance.fuzz.work import Spec, first_worker
from syslet_conformance.fuzz.worker import STILL_S, Ended, Worker

REPLAYS = 100
REPLAYS_OF_ENDS = 10
REPLAYS_OF_HANGS = 3
"""How often a find is repeated; where the engine ends or hangs each time, so often."""

SHRINK_ENDS_S = 12.0
"""How long a find is shrunk in which the engine ends, and is opened anew each time."""

SHRINK_STILL_S = 2.0
"""While a find is shrunk, a stream that is played for so long hangs; what comes of it is repeated
with more patience."""

TRIES = 3
"""So often a smaller stream is tried before it counts as one that does not show it; where the find
shows each time, it has to show so often."""

RATED = 20
"""By so many plays it is told how often a find shows before it is made small."""

MOST_TRIES = 50
"""So often it is tried at most where the find shows only now and then."""


class Player:
    """Plays single streams on an engine, which is opened anew when it ended."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._worker: Worker | None = None
        self.engine = ""
        self.still_s = STILL_S
        """How long the engine may play one stream."""

    def _open(self) -> Worker:
        if self._worker is None:
            self._worker, self._spec, _ = first_worker(self._spec)
            ready = self._worker.ready
            self.engine = f"{ready['name']} {ready['version']}"
        self._worker.still_s = self.still_s
        return self._worker

    def differences(self, stream: Stream, times: int, until: str = "") -> Counter[str]:
        """How often it differs, and how, in so many plays, or until it differs so.

        An end of the engine is the last play, and counts, but where the stream is left open.
        """
        order = {"do": "judge", "stream": to_bytes(stream).hex(), "times": times, "until": until}
        try:
            return Counter(self._open().ask(order)["differences"])
        except Ended as ended:
            self.close()
            return Counter() if self._is_left_open(stream) else Counter({ended.how: 1})

    def _is_left_open(self, stream: Stream) -> bool:
        """Whether it is left open what the stream does, as far as that is known within the time."""
        try:
            return bool(self._open().ask({"do": "open", "stream": to_bytes(stream).hex()})["why"])
        except Ended:
            self.close()
            return False

    def tell(self, stream: Stream) -> dict[str, str]:
        """Files: the program, what was expected, what was got, and what was said at an end."""
        data = to_bytes(stream).hex()
        want = {"do": "want", "stream": data}
        try:
            told = self._open().ask(want)
        except Ended:  # of what was played before
            self.close()
            told = self._open().ask(want)
        said = {}
        try:
            told |= self._open().ask({"do": "give", "stream": data})
        except Ended as ended:
            self.close()
            told["got"] = [ended.how]
            said = {SAID: ended.said} if ended.said else {}
        texts = {f"{name}.txt": "\n".join([*told[name], ""]) for name in ("expected", "got")}
        return {PROGRAM: told["program"], **texts, **said}

    def close(self) -> None:
        """End the engine."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def finished(
    find: Find, spec: Spec, database: ExampleDatabase | None
) -> tuple[Find, dict[str, str]]:
    """The find as small as it can be, how often it repeats, and files that say what it does."""
    player = Player(spec)
    try:
        small, repeated, replays = _small(player, find, database)
        made = replace(
            find,
            stream=small,
            shrunk=True,
            repeated=repeated,
            replays=replays,
            engine=player.engine,
        )
        return made, player.tell(small)
    finally:
        player.close()


def _small(player: Player, find: Find, database: ExampleDatabase | None) -> tuple[Stream, int, int]:
    """The find's stream made small, how often it shows, and of how many plays.

    The engine that it is repeated on is a new one. Where the small one does not show there, what
    had been played before it had its part in that: the find stays as it was.
    """
    player.still_s = SHRINK_STILL_S
    small = _shrunk(player, find, database)
    player.still_s = STILL_S
    player.close()
    repeated, replays = _repeated(player, small, find.difference)
    if not repeated and small != find.stream:
        player.close()
        small = find.stream
        repeated, replays = _repeated(player, small, find.difference)
    return small, repeated, replays


def _shrunk(player: Player, find: Find, database: ExampleDatabase | None) -> Stream:
    kind = kind_of(find.difference)
    steady = kind not in ENDS and _shows_each_time(player, find.stream, kind)
    times = 1 if kind in ENDS or steady else _tries(player, find)

    def still(stream: Stream) -> bool:
        if steady:
            return _shows_each_time(player, stream, kind)
        seen = player.differences(stream, times, find.difference)
        return kind in map(kind_of, seen)

    key = f"syslet-fuzz {find.abi} {kind}".encode()
    limit_s = SHRINK_ENDS_S if kind in ENDS else SHRINK_S
    return shrunk(find.stream, still, database=database, key=key, limit_s=limit_s)


def _tries(player: Player, find: Find) -> int:
    """How often a smaller stream is tried of a find that varies: the rarer it shows, the more."""
    shows = _shows(player.differences(find.stream, RATED), find.difference)
    return min(max(3 * RATED // shows, TRIES), MOST_TRIES) if shows else TRIES


def _shows_each_time(player: Player, stream: Stream, kind: str) -> bool:
    """Whether it shows in each of a few plays: what is made of such a one shows so, too.

    The first play tells most that do not show it.
    """
    return all(player.differences(stream, times)[kind] == times for times in (1, TRIES - 1))


def _repeated(player: Player, stream: Stream, difference: str) -> tuple[int, int]:
    """How often it shows, and of how many plays."""
    seen, replays = replayed(player, stream, difference)
    return _shows(seen, difference), replays


def _shows(seen: Counter[str], difference: str) -> int:
    """How often it differed so, or alike."""
    kind = kind_of(difference)
    return sum(count for how, count in seen.items() if kind_of(how) == kind)


def replayed(player: Player, stream: Stream, difference: str) -> tuple[Counter[str], int]:
    """How often it differs, and how, and of how many plays; `difference` is how it is to.

    Where that is an end of the engine, each play may be the last of a process.
    """
    kind = kind_of(difference)
    if kind not in ENDS:
        return player.differences(stream, REPLAYS), REPLAYS
    seen: Counter[str] = Counter()
    times = REPLAYS_OF_HANGS if kind == "hang" else REPLAYS_OF_ENDS
    for _ in range(times):
        seen.update(player.differences(stream, 1))
    return seen, times
