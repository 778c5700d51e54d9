"""The mutants that the fuzzer has to find are alive, and the suite catches each of them."""

from __future__ import annotations

from pathlib import Path

import fuzz_c_mutants
import fuzz_python_mutants
import pytest
from mutation import judge

import syslet_reference.engine as shell
from syslet_conformance.backends import backend_named
from syslet_conformance.registry import REQUIREMENTS
from syslet_conformance.smoke import STEPS, look
from syslet_layouts import SysletError, abi_named
from syslet_native.c_compiler import why_not

Key = tuple[str, str]

CAUGHT: dict[Key, tuple[str, ...]] = {
    (module.__name__, name): ids
    for module in (fuzz_c_mutants, fuzz_python_mutants)
    for name, ids in module.CAUGHT.items()
}
"""(module, mutant) and the requirements whose tests must catch it."""

HANG = ("WrapsASlotEarly", "FullRingIsEmpty", "FaultStaysPending", "OneRingForAll")
"""Mutants that the suite knows by a hang: each takes it as long as a call may take."""

JUDGED = [key for key in CAUGHT if key[1] not in HANG]

C_MUTANTS = list(fuzz_c_mutants.MUTANTS.values())
JOBS = 2

NO_32_BIT = why_not("ilp32")
"""Why those with 32-bit words cannot be had here."""


def skip_where_it_cannot_be_had(name: str) -> None:
    """Those with 32-bit words, where there is no compiler for them."""
    mutant = fuzz_c_mutants.MUTANTS.get(name)
    if NO_32_BIT and mutant and mutant.word == "ilp32":
        pytest.skip(NO_32_BIT)


def test_every_mutant_breaks_what_there_is() -> None:
    named = {id_ for ids in CAUGHT.values() for id_ in ids}
    assert named <= set(REQUIREMENTS)
    assert all(CAUGHT.values())
    assert len(fuzz_c_mutants.MUTANTS) == len(fuzz_c_mutants.CAUGHT) >= 8
    assert all(hasattr(fuzz_python_mutants, name) for name in fuzz_python_mutants.CAUGHT)


@pytest.mark.parametrize("mutant", C_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_c_mutant_is_a_library_that_answers_as_an_engine(
    mutant: fuzz_c_mutants.CMutant, tmp_path: Path
) -> None:
    skip_where_it_cannot_be_had(mutant.name)
    library = fuzz_c_mutants.build(mutant, tmp_path)
    assert_alive(f"lib:{library}")


@pytest.mark.parametrize("mutant", CAUGHT, ids="-".join)
def test_a_mutant_passes_the_first_look_at_an_engine(mutant: Key) -> None:
    skip_where_it_cannot_be_had(mutant[1])
    assert_alive(f"python:{mutant[0]}:{mutant[1]}")


def assert_alive(backend: str) -> None:
    """What `syslet backends --check` looks at is as it should be."""
    found = backend_named(backend)
    engine = found.open(abi_named(found.abis[0]))
    try:
        steps = list(look(engine))
    finally:
        engine.close()
    assert [step.name for step in steps if not step.wrong] == list(STEPS), steps[-1].wrong


def test_python_mutants_leave_the_reference_beside_them_as_it_is() -> None:
    before = dict(vars(shell))
    for name in fuzz_python_mutants.CAUGHT:
        found = backend_named(f"python:fuzz_python_mutants:{name}")
        found.open(abi_named(found.abis[0])).close()
    assert vars(shell) == before


def test_a_mutant_whose_old_text_is_not_there_once_is_named(tmp_path: Path) -> None:
    gone = fuzz_c_mutants.CMutant("Gone", "nothing", ("chain.next",), "run.c", "no such text", "")
    with pytest.raises(SysletError, match=r"^Gone: run\.c: 0 times 'no such text', wanted 1$"):
        fuzz_c_mutants.build(gone, tmp_path)


@pytest.fixture(scope="module")
def made_of() -> dict[Key, dict[str, list[str]]]:
    """What the suite made of each."""
    return judge([" ".join((*key, *CAUGHT[key])) for key in JUDGED], JOBS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", JUDGED, ids="-".join)
def test_a_mutant_is_caught_by_the_tests_of_what_it_breaks(
    mutant: Key, made_of: dict[Key, dict[str, list[str]]]
) -> None:
    skip_where_it_cannot_be_had(mutant[1])
    assert mutant in made_of, "its process ended without an answer"
    missed = sorted(set(CAUGHT[mutant]) - set(made_of[mutant]["caught"]))
    assert missed == [], "not caught by the tests of these"
