"""Streams by the seed: cheap and varied. A theme says what a stream has more of than others."""

from __future__ import annotations

from random import Random

from syslet_conformance.fuzz.arena import (
    ASYNC_EXEC,
    ASYNC_WAIT,
    ATOMS,
    CODE,
    GETPID,
    LSEEK,
    NO_HEAD,
    NUMBERS,
    OF_BAD,
    OF_EDGES,
    OF_ENDS,
    OF_FIELDS,
    OF_NUMBERS,
    OF_POINTERS,
    OF_RINGS,
    OF_SCRATCH,
    PLACES,
    READ,
    ROW,
    UMEM_ADD,
    UNKNOWN,
    WRITE,
)
from syslet_conformance.fuzz.crowd import crowd
from syslet_conformance.fuzz.mend import Mender
from syslet_conformance.fuzz.stream import (
    CLOSE,
    CONSUME,
    DRAIN,
    EMPTY,
    EXEC,
    FEED,
    FILL,
    MOST_STEPS,
    POKE,
    STORE,
    WAIT,
    Drawn,
    Step,
    Stream,
    of_bytes,
    to_bytes,
)
from syslet_layouts import ARGUMENTS, Flag
from syslet_reference import STOPS

THEMES = (
    "lines",
    "loops",
    "branches",
    "background",
    "overflow",
    "pipes",
    "full pipes",
    "patient callers",
    "self-modifying",
    "hostile",
    "in the way",
    "crowds",
    "mutated",
    "bytes",
)
"""What a stream can have more of."""

(
    LINES,
    LOOPS,
    BRANCHES,
    BACKGROUND,
    OVERFLOW,
    PIPED,
    FULL_PIPES,
    PATIENT,
    SELF_MODIFYING,
    HOSTILE,
    IN_THE_WAY,
    CROWDS,
    MUTATED,
    BYTES,
) = range(len(THEMES))

_ASYNC, _SYNC, _NO_COMPLETE, _SKIP = (
    int(Flag.ASYNC),
    int(Flag.SYNC),
    int(Flag.NO_COMPLETE),
    int(Flag.SKIP_TO_NEXT_ON_STOP),
)
_STOPS = tuple(map(int, STOPS))
_OFTEN_SMALL = (0, 1, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 7, 7, 8, *range(len(NUMBERS)))
"""Numbers of `NUMBERS`: small ones more often."""

_PLAIN_CALLS = (UMEM_ADD,) * 12 + (GETPID,) * 3 + (UNKNOWN, LSEEK, WRITE)
_PIPE_CALLS = (READ,) * 6 + (WRITE,) * 3 + (UMEM_ADD,) * 4
_RARE_CALLS = (ASYNC_EXEC, ASYNC_WAIT, UNKNOWN, LSEEK, READ, WRITE)
_PLAIN_POINTERS = (*OF_NUMBERS, *OF_NUMBERS, *OF_SCRATCH)
_CHANGING = (*OF_FIELDS, *OF_FIELDS, *OF_NUMBERS, *OF_POINTERS)

NO_HEADS = 0.03
"""How many of the later execs have no head."""

OTHER_INDICES = 0.15
"""How many of the waits pass another index than the program has come to."""

MENDED = 0.97
"""How many of the streams are mended, so that they are judged."""


class Generator:
    """Draws streams, all of them determined by the state of `random`."""

    def __init__(self, random: Random) -> None:
        self._source, self._random = random, random.random
        self._mended = Mender(random).mended
        self._bits = random.getrandbits
        self._bytes = random.randbytes

    def _of(self, table: tuple[int, ...] | range) -> int:
        return table[int(self._random() * len(table))]

    def draw(self, theme: int) -> Stream:
        """A stream of a theme of `THEMES`, by its number."""
        if theme == BYTES:
            stream = of_bytes(self._bytes(64 + int(self._random() * 160)))
        elif theme == CROWDS:
            stream = crowd(self._source)
        else:
            stream = self._scenario(theme)
        if theme == MUTATED:
            stream = self.mutated(stream)
        return self._mended(stream) if self._random() < MENDED else stream

    def mutated(self, stream: Stream) -> Stream:
        """The stream with a few of its bytes changed."""
        data = bytearray(to_bytes(stream))
        for _ in range(1 + int(self._random() * 4)):
            at = int(self._random() * len(data))
            data[at] = self._bits(8) if self._random() < 0.5 else data[at] ^ 1 << self._bits(3)
        return of_bytes(bytes(data))

    def _scenario(self, theme: int) -> Stream:
        chance = self._random
        count = 1 + int(chance() * chance() * ATOMS)
        places = self._places(theme, count)
        pointers = self._pointers(theme)
        atoms = [self._atom(theme, index, places) for index in range(count)]
        atoms.sort()
        numbers = tuple(self._of(_OFTEN_SMALL) for _ in OF_NUMBERS)
        most = 2 if theme == OVERFLOW else 4
        slots = (1 + int(chance() * most), 1 + int(chance() * 4))
        return Stream(slots, numbers, pointers, tuple(atoms), self._steps(theme, places))

    def _places(self, theme: int, count: int) -> list[int]:
        start = int(self._random() * (ATOMS + 1 - count))
        places = list(ROW[start : start + count])
        if theme == IN_THE_WAY:
            for index in range(count):
                if self._random() < 0.4:
                    other = self._of(CODE)
                    if other not in places:
                        places[index] = other
        return places

    def _pointers(self, theme: int) -> tuple[int, ...]:
        found = []
        for _ in OF_POINTERS:
            roll = self._random()
            if theme == SELF_MODIFYING and roll < 0.6:
                found.append(self._of(_CHANGING))
            elif theme == HOSTILE and roll < 0.5:
                found.append(self._of(OF_EDGES) if roll < 0.35 else self._of(OF_RINGS))
            elif roll < 0.97:
                found.append(self._of(_PLAIN_POINTERS))
            else:
                found.append(int(self._random() * len(PLACES)))
        return tuple(found)

    def _atom(self, theme: int, index: int, places: list[int]) -> Drawn:
        chance = self._random
        if theme in (PIPED, FULL_PIPES, PATIENT) and chance() < 0.6:
            call = WRITE if theme == FULL_PIPES and chance() < 0.6 else self._of(_PIPE_CALLS)
        elif chance() < 0.06:
            call = self._of(_RARE_CALLS)
        else:
            call = self._of(_PLAIN_CALLS)
        flags = self._flags(theme, index)
        roll = chance()
        if theme == SELF_MODIFYING and roll < 0.4:
            ret = self._of(_CHANGING)
        elif theme == HOSTILE and roll < 0.4:
            ret = self._of(OF_EDGES) if roll < 0.25 else self._of(OF_RINGS)
        elif roll < 0.6:
            ret = self._of(OF_SCRATCH) if roll < 0.5 else self._of(OF_NUMBERS)
        else:
            ret = 0 if roll < 0.985 else int(chance() * len(PLACES))
        return Drawn(
            places[index],
            flags,
            call,
            ret,
            self._next(theme, index, places),
            self._args(theme, call),
            self._of(_OFTEN_SMALL) if chance() < 0.2 else 0,
            int(chance() < 0.05),
        )

    def _flags(self, theme: int, index: int) -> int:
        chance = self._random
        flags = 0
        goes = {BACKGROUND: 0.6, OVERFLOW: 0.7, PIPED: 0.2}.get(theme, 0.12)
        if chance() < (goes if index == 0 else goes / 4):
            flags |= _ASYNC
        if chance() < (0.5 if theme == PATIENT else 0.04):
            flags |= _SYNC
        if chance() < 0.08:
            flags |= _NO_COMPLETE
        stops = {LINES: 0.15, LOOPS: 0.7, BRANCHES: 0.8}.get(theme, 0.35)
        if chance() < stops:
            flags |= self._of(_STOPS)
            if chance() < 0.15:
                flags |= self._of(_STOPS)
        if chance() < (0.7 if theme == BRANCHES else 0.15):
            flags |= _SKIP
        return self._bits(8) if chance() < 0.03 else flags

    def _next(self, theme: int, index: int, places: list[int]) -> int:
        chance = self._random
        last = index == len(places) - 1
        if chance() < (0.25 if theme == HOSTILE else 0.02):
            return int(chance() * len(PLACES))
        if theme == LOOPS and (last or chance() < 0.2):
            return places[int(chance() * (index + 1))]
        if theme == BRANCHES and chance() < 0.4:
            return places[int(chance() * len(places))]
        return 0 if last or chance() < 0.05 else places[index + 1]

    def _args(self, theme: int, call: int) -> tuple[int, ...]:
        chance = self._random
        if call == UMEM_ADD:
            args = [self._of(OF_POINTERS), self._of(OF_NUMBERS)]
        elif call in (READ, WRITE):
            end = 1 if call == WRITE else 0
            pipe = 0 if chance() < 0.75 else 2
            fd = OF_ENDS[pipe + end] if chance() < 0.95 else self._of((OF_BAD, *OF_ENDS))
            args = [fd, self._of(OF_POINTERS), self._of(OF_NUMBERS)]
        elif call == LSEEK:
            args = [self._of((OF_BAD, *OF_ENDS)), self._of(OF_NUMBERS), self._of(OF_NUMBERS)]
        else:
            args = []
        if chance() < 0.12:
            while len(args) < ARGUMENTS and chance() < 0.8:
                args.append(self._of(OF_NUMBERS))
        if args and chance() < (0.35 if theme == HOSTILE else 0.04):
            where = int(chance() * len(args))
            args[where] = self._of(OF_EDGES) if chance() < 0.6 else int(chance() * len(PLACES))
        return tuple(args)

    # -- steps -------------------------------------------------------------------------

    def _steps(self, theme: int, places: list[int]) -> tuple[Step, ...]:
        chance = self._random
        steps: list[Step] = []
        if theme == FULL_PIPES:
            steps.append(Step(FILL, 0 if chance() < 0.75 else 1))
        elif theme == PIPED and chance() < 0.4:
            steps.append(self._feed())
        if theme == MUTATED:
            steps.append(Step(POKE, self._of(CODE), self._bits(7), self._bits(8)))
        syslets = 1 + int(chance() * (5 if theme == OVERFLOW else 3))
        steps.append(Step(EXEC, places[0], int(chance() < 0.15)))
        for number in range(syslets):
            if number:
                first = places[0] if chance() < 0.6 else places[int(chance() * len(places))]
                if theme == HOSTILE and chance() < 0.15:
                    first = int(chance() * len(PLACES))
                head = NO_HEAD if chance() < NO_HEADS else int(chance() < 0.3)
                steps.append(Step(EXEC, first, head))
            if theme in (PIPED, PATIENT) and chance() < 0.6:
                steps.append(self._feed())
            elif theme == FULL_PIPES and chance() < 0.6:
                steps.append(Step(EMPTY, 0 if chance() < 0.75 else 1))
            elif theme in (PIPED, FULL_PIPES) and chance() < 0.15:
                steps.append(Step(CLOSE, int(chance() * 4)))
            if chance() < 0.5:
                wanted, head = int(chance() * chance() * 7), int(chance() < 0.2)
                index = 1 + int(chance() * 2) if chance() < OTHER_INDICES else 0
                steps.append(Step(WAIT, wanted, head, index))
            if chance() < (0.15 if theme == OVERFLOW else 0.5):
                steps.append(Step(CONSUME, int(chance() * 3), int(chance() < 0.2)))
            if chance() < 0.06:
                steps.append(Step(STORE, self._of(_CHANGING), self._of(_OFTEN_SMALL)))
            if theme in (PIPED, FULL_PIPES) and chance() < 0.2:
                steps.append(Step(DRAIN, int(chance() * 2), self._bits(4)))
        return tuple(steps[:MOST_STEPS])

    def _feed(self) -> Step:
        return Step(FEED, 0 if self._random() < 0.75 else 1, self._bits(4))
