"""Results are other people's files: a clear error or a safe rendering, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from results_for_tests import edited, header, lines, report, result, run, said, written

from syslet_conformance import tally as tally_module
from syslet_conformance.results import AtomSeen, Evidence, to_line
from syslet_conformance.tally import (
    CHARACTERISTICS_KEPT,
    FAILURES_KEPT,
    HEADER_CHARS,
    MESSAGE_CHARS,
    NAME_CHARS,
    NOTES_KEPT,
    PROGRAM_CHARS,
    WAYS,
)
from syslet_conformance.verdicts import Verdict

BIG = 10_000_000


def the_engine(folder: Path) -> dict[str, Any]:
    (engine,) = written(folder / "out")["engines"]
    assert isinstance(engine, dict)
    return engine


def headed(line: bytes) -> bytes:
    return lines(header()) + line


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b'{"type":"result","x":' + b"[" * 200_000 + b"\n", "not a result"),
        (edited(result(), duration_s=float("inf")), "invalid character"),
        (edited(result(), duration_s=-1), "Expected `float` >= 0.0"),
        (edited(result()).replace(b"0.1", b"1e999"), "Number out of range"),
        (
            edited(result(), verdict="splendid\n\x1b[31m" + "x" * BIG),
            "Invalid enum value 'splendid",
        ),
        (edited(result(), test="x" * BIG), f"a name of more than {NAME_CHARS} characters"),
        (edited(result(), abi="x" * BIG), f"a name of more than {NAME_CHARS} characters"),
        (edited(result(), mode="x" * BIG), f"a name of more than {NAME_CHARS} characters"),
        (edited(result(), requirements=["chain.x\x1b[31m"]), r"no requirement 'chain.x?[31m'"),
        (edited(result(), requirements=["x" * BIG]), "no requirement 'xxxx"),
        (edited(result(), message="\ud800"), "not a result"),
        (edited(result()).replace(b"lp64-le]", b"\xff]"), "not a result"),
        (b"\x00" * 10 + b"\n", "not a result"),
        (b"\n", "not a result"),
        (b"null\n", "not a result"),
        (edited(result(), type="other"), "not a result"),
        (lines(header()).replace(b'"seed":0', b'"seed":' + b"9" * 5000), "out of range"),
        (lines(header()).replace(b'"schema":1', b'"schema":' + b"9" * 400), "not a result"),
    ],
    ids=[
        "deep",
        "infinity",
        "negative-time",
        "time-too-large",
        "verdict",
        "long-test",
        "long-abi",
        "long-mode",
        "requirement-with-controls",
        "long-requirement",
        "lone-surrogate",
        "no-utf-8",
        "nul-bytes",
        "empty-line",
        "null",
        "type",
        "huge-seed",
        "huge-schema",
    ],
)
def test_a_line_that_is_none_is_named_with_what_was_wanted(
    tmp_path: Path, line: bytes, wanted: str
) -> None:
    error = said(report(tmp_path, headed(line)))
    assert error.startswith(f"{tmp_path / 'results0'}:2: ")
    assert wanted in error
    assert not (tmp_path / "out").exists()


def test_an_unknown_requirement_is_named_with_both_versions_of_the_suite(tmp_path: Path) -> None:
    data = lines(header(suite="9.9\x1b"), result(ids=("chain.new",)))
    assert "results0:2: no requirement 'chain.new' (results of suite '9.9\\x1b', here 0.1.0)" in (
        said(report(tmp_path, data))
    )


def test_a_line_without_an_end_is_an_error_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally_module, "LARGEST_LINE_BYTES", 10_000)
    assert "a line of more than 10000 bytes" in said(report(tmp_path, headed(b"x" * 10_001)))
    assert report(tmp_path, headed(edited(result(), message="x" * 9_000))).exit_code == 0


@pytest.mark.parametrize("cut", [1, 9, 30])
def test_a_cut_off_line_that_is_the_only_one_is_said(tmp_path: Path, cut: int) -> None:
    error = said(report(tmp_path, lines(header())[:-cut]))
    assert "no result in what was given" in error
    assert "results0:1: its last line is cut off" in error


def test_a_cut_off_line_beside_a_whole_file_is_said_on_standard_error(tmp_path: Path) -> None:
    ran = report(tmp_path, lines(header())[:-9], lines(header(), result()))
    assert ran.exit_code == 0
    assert "results0:1: its last line is cut off" in ran.output


def test_a_line_that_is_cut_within_a_character_is_a_cut_off_line(tmp_path: Path) -> None:
    last = to_line(result(message="é"))
    end = last.index("é".encode()) + 1
    assert report(tmp_path, lines(header(), result()) + last[:end]).exit_code == 0
    (note,) = the_engine(tmp_path)["notes"]
    assert "results0:3: its last line is cut off" in note


def test_10_mb_of_everything_is_cut(tmp_path: Path) -> None:
    big = "x" * BIG
    value = result(verdict=Verdict.FAIL, message=big, output=big, characteristics={big: big})
    line = edited(value, repeat=big, program=big, requirements=["chain.next"] * 100_000)
    odd = header(engine=big, version=big, backend=big, suite=big, started=big)
    assert report(tmp_path, lines(odd) + line).exit_code == 0
    engine = the_engine(tmp_path)
    (failure,) = engine["failures"]
    assert failure["requirements"] == ["chain.next"]
    lengths = {key: len(failure[key]) for key in ("message", "output", "repeat")}
    assert set(lengths.values()) == {MESSAGE_CHARS}
    assert len(failure["program"]) < PROGRAM_CHARS + 100
    assert {len(engine["run"][key]) for key in ("engine", "backend", "suite", "started")} == {
        HEADER_CHARS
    }
    for file in (tmp_path / "out").iterdir():
        assert file.stat().st_size < 300_000, file.name


def test_evidence_that_is_too_long_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    atom = AtomSeen("a", "getpid", "", "", "x" * 1000)
    long, short = Evidence(atoms=(atom,) * 10_000), Evidence(atoms=(atom,))
    data = [
        json.loads(to_line(result(f"a::t{i}", Verdict.FAIL))) | {"evidence": evidence}
        for i, evidence in enumerate([msgspec.to_builtins(long), msgspec.to_builtins(short)])
    ]
    report(tmp_path, lines(header()) + b"".join(json.dumps(d).encode() + b"\n" for d in data))
    kept = [failure["evidence"] for failure in the_engine(tmp_path)["failures"]]
    assert kept[0]["atoms"] == []
    assert "left out: longer than" in kept[0]["note"]
    assert len(kept[1]["atoms"]) == 1


def test_notes_and_characteristics_are_kept_up_to_a_number(tmp_path: Path) -> None:
    both = [
        result(f"a::t{i}", v) for i in range(NOTES_KEPT + 7) for v in (Verdict.PASS, Verdict.FAIL)
    ]
    facts = {f"key-{i:05}": "x" for i in range(CHARACTERISTICS_KEPT + 50)}
    assert report(tmp_path, lines(header(), *both, result(characteristics=facts))).exit_code == 0
    engine = the_engine(tmp_path)
    assert (len(engine["notes"]), engine["notes_left_out"]) == (NOTES_KEPT, 7)
    assert sorted(engine["characteristics"]) == sorted(facts)[:CHARACTERISTICS_KEPT]


def test_failures_that_are_there_twice_are_counted_once(tmp_path: Path) -> None:
    broken = [result(f"a::t{i}", Verdict.FAIL) for i in range(FAILURES_KEPT + 7)]
    report(tmp_path, lines(header(), *broken, *broken))
    engine = the_engine(tmp_path)
    assert (len(engine["failures"]), engine["failures_left_out"]) == (FAILURES_KEPT, 7)


@pytest.mark.parametrize(
    ("limit", "value", "data", "wanted"),
    [
        (
            "TESTS",
            3,
            lines(header(), *(result(f"a::t{i}") for i in range(4))),
            "5: more tests than 3",
        ),
        (
            "ENGINES",
            2,
            lines(*(header(str(i)) for i in range(3))),
            "3: more engines than 2",
        ),
        (
            "WAYS",
            WAYS,
            lines(header(), *(result(f"a::t{i}", abi=f"abi{i}") for i in range(WAYS + 1))),
            f"{WAYS + 2}: more ABIs and modes of one engine than {WAYS}",
        ),
    ],
    ids=["tests", "engines", "ways"],
)
def test_more_of_what_has_a_limit_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: int,
    data: bytes,
    wanted: str,
) -> None:
    monkeypatch.setattr(tally_module, limit, value)
    assert f"results0:{wanted}" in said(report(tmp_path, data))


def as_nothing(path: Path) -> None:
    assert not path.exists()


def as_folder(path: Path) -> None:
    path.mkdir()


def as_fifo(path: Path) -> None:
    os.mkfifo(path)


def as_unreadable(path: Path) -> None:
    path.write_bytes(lines(header(), result()))
    path.chmod(0)


def as_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def as_loop(path: Path) -> None:
    path.symlink_to(path)


KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "folder": (as_folder, "wanted a"),
    "fifo": (as_fifo, "no regular file, wanted a"),
    "device": (as_device, "no regular file, wanted a"),
    "loop": (as_loop, "wanted a"),
    "missing": (as_nothing, "No such file or directory"),
    "unreadable": (as_unreadable, "Permission denied"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["report", "diff", "history"])
def test_what_is_no_file_to_read_is_one_line(tmp_path: Path, kind: str, command: str) -> None:
    if kind == "unreadable" and os.geteuid() == 0:
        pytest.skip("root reads everything")
    make, wanted = KINDS[kind]
    path, good = tmp_path / "in", tmp_path / "good"
    good.write_bytes(lines(header(), result()))
    make(path)
    commands: dict[str, list[str | Path]] = {
        "report": ["report", path, "-o", tmp_path / "out"],
        "diff": ["diff", good, path],
        "history": ["report", good, "--history", path, "-o", tmp_path / "out"],
    }
    ran = run(*commands[command])
    assert wanted in said(ran)


def test_a_name_that_is_no_utf_8_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/r\xff\x1b"
    with open(path, "wb") as file:
        file.write(lines(header(), result(), result("a::b"))[:-5])
    ran = run("report", os.fsdecode(path), "-o", tmp_path / "out")
    assert ran.exit_code == 0
    (note,) = the_engine(tmp_path)["notes"]
    assert "/r\ufffd?:3: its last line" in note


_WORDS = ("engine", "engine_version", "backend", "suite", "started")
POINT: dict[str, object] = dict.fromkeys(_WORDS, "x") | {"counts": {}}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"schema": 99}, "schema 99, wanted a report of schema 1"),
        ({"schema": "x" * BIG}, "schema 'xxx"),
        ({"schema": None}, "schema None, wanted"),
        ({"tests": []}, "has not one verdict for each test"),
        ({"engines": 1}, "not a report: Expected `array`"),
        ({"trend": [POINT | {"engine": "x" * BIG}]}, "a point of its trend has more than"),
        (
            {"trend": [POINT | {"counts": {"MUST": {"pass": 10**30}}}]},
            "not a report: Expected `int`",
        ),
    ],
    ids=[
        "schema-99",
        "schema-text",
        "schema-null",
        "letters",
        "engines",
        "long-point",
        "huge-count",
    ],
)
@pytest.mark.parametrize("command", ["diff", "history"])
def test_a_report_of_another_schema_is_one_line(
    tmp_path: Path, change: dict[str, object], wanted: str, command: str
) -> None:
    report(tmp_path, lines(header(), result()))
    path, good = tmp_path / "out" / "report.json", tmp_path / "results0"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    words: list[str | Path] = ["diff", good, path]
    if command == "history":
        words = ["report", good, "--history", path, "-o", tmp_path / "new"]
    assert wanted in said(run(*words))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"[" * 200_000, b"\xff\xfe", b'{"schema":', b"nonsense\n"]
)
def test_what_is_neither_a_report_nor_results_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "good").write_bytes(lines(header(), result()))
    (tmp_path / "bad").write_bytes(data)
    assert "bad: " in said(run("diff", tmp_path / "bad", tmp_path / "good"))
    assert "bad: " in said(run("diff", tmp_path / "good", tmp_path / "bad"))


def test_the_command_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(headed(b"x\x1b[31m\n"))
    words = [sys.executable, "-c", "from syslet_conformance.cli import main; main()"]
    words += ["report", str(tmp_path / "r"), "-o", str(tmp_path / "out")]
    ran = subprocess.run(words, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert len(ran.stderr.splitlines()) == 1
    assert "\x1b" not in ran.stderr
