"""Programs that an engine once got wrong: read, judged, and made of finds."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from syslet_conformance import inventory
from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.fuzz.finds import Find, save
from syslet_conformance.fuzz.promoting import promote
from syslet_conformance.fuzz.stream import of_bytes
from syslet_conformance.inventory import InventoryError, suite_tests
from syslet_conformance.registry import checks
from syslet_conformance.regression_files import Regression, regressions
from syslet_conformance.session import Session
from syslet_conformance.suite.test_running_regressions import difference
from syslet_conformance.text import parse
from syslet_conformance.twin import Outcome, interleavings, numbers_of, outcome, outcomes
from syslet_layouts import ABIS, SysletError
from syslet_reference.choices import Chooser, seeded

FOLDER = Path(__file__).parent.parent / "fixtures" / "regressions"
TEXT = "# checks: ring.wraps\nword w = 1\n"
FEW = 500
"""So many interleavings, or fewer, has a program that the suite keeps."""

LP64 = ABIS["lp64-le"]

each_regression = pytest.mark.parametrize("regression", regressions(), ids=lambda one: one.name)


def performed(regression: Regression, chooser: Chooser | None = None) -> Session:
    """The program's steps taken on the reference."""
    session = Session(EmbeddedEngine(LP64, chooser=chooser), regression.program)
    for step in regression.program.steps:
        session.perform(step)
    return session


def test_the_package_has_the_regressions_of_the_repository() -> None:
    assert regressions() == regressions(FOLDER)
    assert len(regressions()) >= 2


def test_the_suite_names_every_requirement_that_a_regression_names() -> None:
    (test,) = (one for one in suite_tests() if one.file == "test_running_regressions.py")
    assert set(test.requirements) == {id_ for one in regressions() for id_ in one.ids}


@each_regression
def test_it_has_few_interleavings_and_the_reference_keeps_to_them(regression: Regression) -> None:
    session = performed(regression)
    allowed = set[Outcome]()
    for count, one in enumerate(outcomes(session, numbers_of(session.engine), 0)):
        assert count < FEW
        allowed.add(one)
    assert outcome(session, session.gave) in allowed


@pytest.mark.parametrize("seed", range(5))
def test_a_writer_that_is_seen_off_late_is_allowed(seed: int) -> None:
    (regression,) = (one for one in regressions() if one.name == "write-reader-closes")
    session = performed(regression, seeded(seed))
    got = outcome(session, session.gave)
    assert got in set(outcomes(session, numbers_of(session.engine), 0))


@each_regression
def test_another_word_entry_or_byte_is_not_allowed_and_is_said(regression: Regression) -> None:
    session = performed(regression)
    allowed = list(outcomes(session, numbers_of(session.engine), 0))
    got = outcome(session, session.gave)
    memory = bytearray(got.memory[0])
    memory[-1] ^= 1
    wrong = got._replace(memory=(bytes(memory),))
    assert wrong not in allowed
    assert difference(session, wrong, allowed).startswith("byte &")
    wrong = got._replace(gave=(*got.gave[:-1], (1, 2)))
    assert wrong not in allowed
    assert "consume h: expected" in difference(session, wrong, allowed)


def test_interleavings_are_all_gone_through_once() -> None:
    def run(chooser: Chooser) -> Outcome:
        first = chooser(2)
        second = chooser(3) if first else 0
        return Outcome((first, second), ())

    found = [one.gave for one in interleavings(run)]
    assert found == [(0, 0), (1, 0), (1, 1), (1, 2)]


def test_a_lost_event_is_no_verdict() -> None:
    text = "ring r 1\nhead h ring=r\natom a getpid() flags=ASYNC\n" + "exec &a head=&h\n" * 2
    session = performed(Regression("lost", (), parse(text + "wait 2 head=&h\n")))
    with pytest.raises(SysletError, match="finds no place"):
        list(outcomes(session, numbers_of(session.engine), 7))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("word w = 1\n", "no line '# checks: ID ...'"),
        ("# checks: ring.wrapz\nword w = 1\n", "no requirement 'ring.wrapz'; nearest: ring.wraps"),
        ("# checks: ring.wraps ring.wraps\nword w = 1\n", "names ring.wraps twice"),
        ("# checks: ring.wraps\nwurd w = 1\n", r"one.syslet:2:1: 'wurd'"),
    ],
    ids=["no-ids", "an-unknown-id", "an-id-twice", "no-program"],
)
def test_a_file_that_is_wrong_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "one.syslet").write_text(text)
    with pytest.raises(SysletError, match=message):
        regressions(tmp_path)


def test_a_folder_without_programs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SysletError, match=r"no \*\.syslet in it"):
        regressions(tmp_path)


def test_a_parameter_without_ids_beside_one_with_ids_is_an_error() -> None:
    @pytest.mark.parametrize("one", [pytest.param(1, marks=checks("ring.wraps")), 2])
    def test_it(one: int) -> None:
        del one

    with pytest.raises(InventoryError, match="a parameter without checks"):
        inventory._checked("ring::test_it", test_it)


# -- finds ------------------------------------------------------------------------------


def found(directory: Path, program: str | None = TEXT) -> Path:
    """A find's directory."""
    stream = of_bytes(Random(1).randbytes(64))
    find = Find("native", "lp64-le", "n 1", "0", 0, 0, "exec gave NULL,\nwanted an error", stream)
    return save(find, directory, {} if program is None else {"program.syslet": program})


def test_a_find_becomes_a_regression(tmp_path: Path) -> None:
    folder = tmp_path / "regressions"
    folder.mkdir()
    path = promote(found(tmp_path), folder, ("ring.wraps", "wait.at-once"))
    assert path.parent == folder
    assert path.name.startswith("exec-gave-null-wanted-an-error-")
    (one,) = regressions(folder)
    assert one == Regression(path.stem, ("ring.wraps", "wait.at-once"), parse(TEXT))
    with pytest.raises(SysletError, match="the same program is there"):
        promote(found(tmp_path), folder, ("ring.kernel-index",))
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize(
    ("ids", "program", "message"),
    [
        (("ring.wrapz",), TEXT, "no requirement 'ring.wrapz'"),
        ((), TEXT, "without a requirement id"),
        (("ring.wraps",), None, "program.syslet: No such file"),
        (("ring.wraps",), "wurd", "program.syslet:1:1: 'wurd'"),
    ],
    ids=["an-unknown-id", "no-id", "no-file", "no-program"],
)
def test_a_find_that_cannot_become_one_is_refused(
    tmp_path: Path, ids: tuple[str, ...], program: str | None, message: str
) -> None:
    folder = tmp_path / "regressions"
    folder.mkdir()
    with pytest.raises(SysletError, match=message):
        promote(found(tmp_path, program), folder, ids)
    assert not list(folder.iterdir())


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SysletError, match="wanted a file to write"):
        promote(found(tmp_path), tmp_path / "none", ("ring.wraps",))
