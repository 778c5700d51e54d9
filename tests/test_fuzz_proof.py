"""A part of `fuzz_proof`: mutants are found by a fixed seed, and what is right is left alone."""

from __future__ import annotations

from pathlib import Path

import fuzz_c_mutants
import fuzz_python_mutants
import pytest
from fuzz_proof import HEADER, MOST_ATOMS, built, hunted

from syslet_conformance.fuzz import campaign, finishing
from syslet_conformance.fuzz.sandbox import why_not

pytestmark = [
    pytest.mark.skipif(why_not() != "", reason=f"no sandbox here: {why_not()}"),
    pytest.mark.timeout(120),
]

PROOFS = {
    "MarksPrivateBehindSix": 500,
    "WrapsASlotEarly": 500,
    "FetchesAWordBehindNull": 1000,
}
"""Mutants, and the streams within which each is found."""

RIGHT_STREAMS = 2000


@pytest.fixture(autouse=True)
def _the_path_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "")


@pytest.mark.parametrize("name", PROOFS)
def test_a_mutant_is_found_and_its_find_is_small(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "RATED", 5)  # where an event is lost, a play waits for it
    monkeypatch.setattr(finishing, "REPLAYS", 10)
    backend, _ = built(name)
    find, streams, _ = hunted(backend, streams=PROOFS[name])
    assert find is not None
    assert streams <= PROOFS[name]
    assert len(find.stream.atoms) <= MOST_ATOMS
    assert find.repeated > 0


def test_the_docs_have_a_row_for_each_mutant() -> None:
    page = (Path(__file__).parent.parent / "docs" / "fuzzing.md").read_text()
    rows = page.split(HEADER)[1].strip().split("\n\n")[0].splitlines()
    names = [row.split("|")[1].strip() for row in rows]
    assert names == [*fuzz_c_mutants.MUTANTS, *fuzz_python_mutants.CAUGHT]


def test_the_same_seed_gives_the_same_first_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "finished", lambda find, *_: (find, {}))
    backend, _ = built("FetchesAWordBehindNull")  # no threads: it goes wrong each time
    (first, streams, _), (again, streams_again, _) = (hunted(backend, streams=4000) for _ in "ab")
    assert first is not None
    assert (again, streams_again) == (first, streams)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_right_engine_is_accused_of_nothing(backend: str) -> None:
    find, streams, _ = hunted(backend, streams=RIGHT_STREAMS)
    assert (find, streams) == (None, RIGHT_STREAMS)
