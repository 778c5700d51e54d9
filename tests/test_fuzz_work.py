"""What is kept where an engine cannot be opened again, and finds that show only now and then."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from fuzz_streams import A0, A1, PLAIN, adds

from syslet_conformance.fuzz import finishing, work
from syslet_conformance.fuzz.arena import CODE
from syslet_conformance.fuzz.finds import Find
from syslet_conformance.fuzz.finishing import Player, finished
from syslet_conformance.fuzz.stream import EXEC, Step, Stream
from syslet_conformance.fuzz.work import Spec, run_batch
from syslet_conformance.fuzz.worker import Ended, Worker
from syslet_conformance.fuzz.workers import Workers
from syslet_layouts import SysletError

SPEC = Spec("lib:gone", "lp64-le", "1", sandboxed=True)


class Ends(Worker):
    """A child whose engine ends in stream 3 of whatever is ordered."""

    def __init__(self) -> None:
        """No process."""

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """Ended."""
        del what
        raise Ended("crash: SIGSEGV", 3, b"\1\2", "last words")

    def close(self) -> None:
        """It has ended."""


def test_what_was_found_is_kept_where_the_engine_cannot_be_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[Worker] = [Ends()]

    def opened(spec: Spec) -> Worker:
        if not left:
            raise SysletError(f"{spec.backend}: no such file")
        return left.pop()

    monkeypatch.setattr(work, "_WORKERS", Workers(opened))
    answer = run_batch(SPEC, 0, 500)
    assert answer["finds"] == [(3, "0102", "crash: SIGSEGV", "last words")]
    assert answer["streams"] == 4
    with pytest.raises(SysletError, match="lib:gone: no such file"):
        run_batch(SPEC, 1, 500)


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
    made, _ = finished(find, SPEC, None)
    assert (len(made.stream.atoms), made.stream.steps) == (1, ())
    assert (made.repeated, made.replays) == (5, 100)
