"""Finds are made small: what is left out, and how often a smaller one is tried."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from fuzz_streams import A0, A1, PLAIN, adds

from syslet_conformance.fuzz import finishing
from syslet_conformance.fuzz.arena import CODE
from syslet_conformance.fuzz.cut import cut
from syslet_conformance.fuzz.finds import Find
from syslet_conformance.fuzz.finishing import Player, finished
from syslet_conformance.fuzz.generate import Generator
from syslet_conformance.fuzz.shrink import shrunk
from syslet_conformance.fuzz.stream import EXEC, WAIT, Step, Stream
from syslet_conformance.fuzz.work import Spec
from syslet_layouts import Flag


def test_a_stream_is_shrunk_to_what_matters() -> None:
    """Of a large stream, what matters is one atom with ASYNC and one wait."""
    generator = Generator(Random(2))
    large = next(
        stream
        for stream in (generator.draw(3) for _ in range(1000))
        if len(stream.atoms) > 4
        and any(step.kind == WAIT for step in stream.steps)
        and any(atom.flags & Flag.ASYNC for atom in stream.atoms)
    )

    def matters(stream: Stream) -> bool:
        return any(atom.flags & Flag.ASYNC for atom in stream.atoms) and any(
            step.kind == WAIT for step in stream.steps
        )

    small = shrunk(large, matters)
    assert [atom.flags for atom in small.atoms] == [Flag.ASYNC]
    assert small.steps == (Step(WAIT),)
    assert small.numbers == (0,) * 6


def test_an_atom_that_only_leads_to_another_is_left_out() -> None:
    """What is executed starts at the other one instead."""
    leads = adds(A0, next=A1)
    stream = PLAIN._replace(atoms=(leads, adds(A1, flags=int(Flag.ASYNC))), steps=(Step(EXEC, A0),))

    def comes_to_async(stream: Stream) -> bool:
        there = {atom.at: atom for atom in stream.atoms}
        starts = [there[step.a] for step in stream.steps if step.kind == EXEC and step.a in there]
        follow = [there[atom.next] for atom in starts if atom.next in there]
        return any(atom.flags & Flag.ASYNC for atom in [*starts, *follow])

    small = cut(stream, comes_to_async)
    assert (small.atoms, small.steps) == (stream.atoms[1:], (Step(EXEC, A1),))


def test_what_shows_only_once_is_kept_as_it_was() -> None:
    stream = Generator(Random(4)).draw(0)
    assert shrunk(stream, lambda _: False) == stream


HEAD = "memory differs at a head"


class Seldom(Player):
    """In every twentieth play of it a stream with an atom differs."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._plays: Counter[Stream] = Counter()

    def differences(self, stream: Stream, times: int, until: str = "") -> Counter[str]:
        """How often it differs."""
        seen: Counter[str] = Counter()
        for _ in range(times):
            self._plays[stream] += 1
            if stream.atoms and not self._plays[stream] % 20:
                seen[HEAD] += 1
                if until:
                    break
        return seen

    def tell(self, stream: Stream) -> dict[str, str]:
        """Nothing."""
        del stream
        return {}


def test_a_find_that_shows_seldom_is_made_small_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finishing, "Player", Seldom)
    atoms = (adds(A0, next=A1), adds(A1, next=CODE[2]), adds(CODE[2]))
    stream = PLAIN._replace(atoms=atoms, steps=(Step(EXEC, A0), Step(EXEC, A1)))
    find = Find("reference", "lp64-le", "", "1", 0, 0, HEAD, stream)
    made, _ = finished(find, Spec("reference", "lp64-le", "1", sandboxed=True), None)
    assert (len(made.stream.atoms), made.stream.steps) == (1, ())
    assert (made.repeated, made.replays) == (5, 100)
