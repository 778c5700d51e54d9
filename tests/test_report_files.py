"""The folder of a report: whole, or as it was."""

from __future__ import annotations

import errno
import json
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest
from results_for_tests import header, lines, report, result, run, tallied

from syslet_conformance.badge import COLOURS, badge, badge_svg
from syslet_conformance.registry import REQUIREMENTS
from syslet_conformance.report_files import NEW_PREFIX, Writers, write_files, writers
from syslet_conformance.results import Header, Result
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

FILES = ["badge.json", "badge.svg", "index.html", "junit.xml", "report.json", "report.md"]
OLD = {"a": b"old a", "b": b"old b", "c": b"old c"}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with the files of `OLD`."""
    found = tmp_path / "report"
    old: Writers = {name: partial(list, [data]) for name, data in OLD.items()}
    write_files(found, old)
    assert content(found) == OLD
    return found


def test_a_report_is_these_files_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    assert report(tmp_path, lines(header(), result())).exit_code == 0
    made = set(content(tmp_path / "out"))
    assert made == {*writers(tallied(header(), result())), "junit.xml", "mine"}
    assert set(FILES) <= made


@pytest.mark.parametrize("fails", range(3))
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_file_that_cannot_be_made_leaves_all_old_ones(
    folder: Path, fails: int, error: BaseException
) -> None:
    def pieces(number: int) -> Iterator[bytes]:
        yield b"new"
        if number == fails:
            raise error

    makers: Writers = {name: partial(pieces, number) for number, name in enumerate(OLD)}
    with pytest.raises(SysletError if isinstance(error, OSError) else KeyboardInterrupt):
        write_files(folder, makers)
    assert content(folder) == OLD


def test_a_folder_that_was_made_for_a_report_that_failed_is_gone(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"new"
        raise OSError(errno.ENOSPC, "No space left")

    with pytest.raises(SysletError, match="new/deep: No space left"):
        write_files(tmp_path / "new" / "deep", {"a": pieces})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_a_file_s_place_leaves_the_others(folder: Path) -> None:
    (folder / "c").unlink()
    (folder / "c").mkdir()
    with pytest.raises(SysletError, match="c: a folder, wanted a file"):
        write_files(folder, {name: lambda: [b"new"] for name in OLD})
    assert (folder / "a").read_bytes() == OLD["a"]


KILLED = """
import os, sys
from pathlib import Path
from syslet_conformance.report_files import write_files
def waits():
    yield b"new"
    os.write(1, b"made")
    os.read(0, 1)
write_files(Path(sys.argv[1]), {"a": lambda: [b"new"], "b": lambda: [b"new"], "c": waits})
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_writer_that_is_killed_leaves_the_old_report_and_the_next_one_cleans_up(
    folder: Path, number: int
) -> None:
    words = [sys.executable, "-c", KILLED, str(folder)]
    pipe = subprocess.PIPE
    default = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's & ignores it
    with subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=default
    ) as writer:
        assert writer.stdout is not None
        assert select.select([writer.stdout], [], [], 60)[0]
        assert os.read(writer.stdout.fileno(), 4) == b"made"
        with pytest.raises(SysletError, match="another report is being written there"):
            write_files(folder, {"a": lambda: [b"other"]})
        writer.send_signal(number)
        writer.communicate()
    assert {name: (folder / name).read_bytes() for name in OLD} == OLD
    write_files(folder, {name: lambda: [b"new"] for name in OLD})
    assert content(folder) == dict.fromkeys(OLD, b"new")
    assert not list(folder.glob(f"{NEW_PREFIX}*"))


def test_a_disk_that_is_full_is_one_line(tmp_path: Path) -> None:
    """A limit on the size of files is what a process can set for itself."""
    (tmp_path / "results").write_bytes(lines(header(), result()))
    words = [sys.executable, "-c", "from syslet_conformance.cli import main; main()"]
    words += ["report", str(tmp_path / "results"), "-o", str(tmp_path / "out")]
    subprocess.run(words, check=True)
    before = content(tmp_path / "out")
    small = 2000
    assert small < len(before["report.json"])
    ran = subprocess.run(
        words,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (small, small)),
    )
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
    assert "File too large" in ran.stderr
    assert content(tmp_path / "out") == before


def test_a_file_instead_of_the_folder_is_said_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    ran = report(tmp_path, b"nonsense\n")
    assert "out: no folder, wanted one for the report" in str(ran.exception)
    ran = run("run", "reference", "--report", tmp_path / "out")
    assert "out: no folder, wanted one for the report" in str(ran.exception)


@pytest.mark.parametrize(
    ("engines", "message", "colour"),
    [
        ([Verdict.PASS], "holds", "brightgreen"),
        ([Verdict.FAIL], "broken", "red"),
        ([Verdict.SKIP], "not judged", "yellow"),
        ([Verdict.PASS, Verdict.PASS], "2 of 2 engines hold", "brightgreen"),
        ([Verdict.PASS, Verdict.CRASH, Verdict.SKIP], "1 of 3 engines hold", "red"),
    ],
)
def test_a_badge_says_where_one_engine_stands_or_how_many_hold(
    engines: list[Verdict], message: str, colour: str
) -> None:
    values: list[Header | Result] = []
    for number, verdict in enumerate(engines):
        values += [header(str(number))]
        values += [result(f"a::t{i}", verdict, ids=(id_,)) for i, id_ in enumerate(REQUIREMENTS)]
    made = badge(tallied(*values))
    assert (made.message, made.color) == (message, colour)
    picture = ElementTree.fromstring(badge_svg(tallied(*values)))
    assert [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")] == [
        "syslet",
        message,
    ]
    fills = [rect.get("fill") for rect in picture.iter("{http://www.w3.org/2000/svg}rect")]
    assert fills[2] == dict(COLOURS.values())[colour]


def test_the_badge_is_what_the_endpoint_of_shields_wants(tmp_path: Path) -> None:
    report(tmp_path, lines(header(), result()))
    assert json.loads((tmp_path / "out" / "badge.json").read_text()) == {
        "schemaVersion": 1,
        "label": "syslet",
        "message": "not judged",
        "color": "yellow",
    }
