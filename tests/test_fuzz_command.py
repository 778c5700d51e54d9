"""`syslet fuzz` as people use it: hunts, finds and their files, a corpus, bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from fuzz_streams import A0, PLAIN, READS_0_OR_NOBODY
from fuzz_streams import READS as READ_ATOM
from running import HERE, MAIN, syslet, wrong

from syslet_conformance.fuzz.corpus import Corpus, State, name_of
from syslet_conformance.fuzz.finds import FORMAT, Find, read, save
from syslet_conformance.fuzz.finishing import Player
from syslet_conformance.fuzz.sandbox import why_not
from syslet_conformance.fuzz.stream import EXEC, MOST_STREAM_BYTES, Step, Stream, to_bytes
from syslet_conformance.fuzz.work import Spec
from syslet_layouts import SysletError

CONFINED = pytest.mark.skipif(why_not() != "", reason=f"no sandbox here: {why_not()}")
WRONG = wrong("StopsOnZeroToo")
SEED = ("--seed", "1")
SHORT = (
    "import syslet_conformance.fuzz.finishing as finishing\n"
    "finishing.SHRINK_ENDS_S = 4.0\n"
    "finishing.REPLAYS_OF_ENDS = 3\n"
    "import syslet_conformance.fuzz.worker as worker\n"
    "finishing.STILL_S = worker.STILL_S = 2.0\n"
)
"""Less time for a find in which the engine ends or hangs."""


READS = PLAIN._replace(atoms=(READ_ATOM,), steps=(Step(EXEC, A0),))


def find_in(directory: Path) -> Path:
    found = [path for path in directory.iterdir() if not path.name.startswith(".")]
    assert len(found) == 1, found
    return found[0]


@CONFINED
def test_a_hunt_on_an_engine_that_is_right_finds_nothing(tmp_path: Path) -> None:
    ran = syslet("fuzz", "reference", *SEED, "--streams", "700", "--finds", tmp_path / "finds")
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "reference 0.1.0 on ilp32-le"
    assert lines[1].startswith("sandbox: ")
    assert lines[2] == "seed: 1"
    assert lines[3].startswith("700 streams, ")
    assert "requirement" in ran.stdout
    assert not (tmp_path / "finds").exists()


@CONFINED
def test_a_find_is_small_says_what_it_is_and_repeats(tmp_path: Path) -> None:
    finds = tmp_path / "finds"
    words = ("--streams", "20000", "--most-finds", "1", "--finds", finds)
    ran = syslet("fuzz", WRONG, *SEED, *words)
    assert (ran.returncode, ran.stderr) == (1, "")
    place = find_in(finds)
    find = read(place)
    assert (find.backend, find.abi, find.seed) == (WRONG, "ilp32-le", "1")
    assert len(find.stream.atoms) <= 2
    assert (find.repeated, find.replays, find.varies) == (100, 100, False)
    assert f"find  {find.difference}" in ran.stdout
    assert f"repeat: syslet fuzz --replay {place}" in ran.stdout
    expected = (place / "expected.txt").read_text()
    assert "trace of the reference:" in expected
    assert "fetch syslet 1 &a" in expected
    assert (place / "got.txt").read_text() != ""
    program = place / "program.syslet"
    ran = syslet("exec", program, "--abi", "ilp32-le")
    assert (ran.returncode, ran.stderr) == (0, "")
    where = tmp_path / "regressions"
    where.mkdir()
    promote = ("--promote", place, "--regressions", where)
    refused = syslet("fuzz", *promote)
    assert refused.returncode == 2
    assert refused.stderr == "syslet: --promote wants --checks ID: what the program checks\n"
    promoted = syslet("fuzz", *promote, "--checks", "chain.stop-table")
    assert (promoted.returncode, promoted.stderr) == (0, "")
    kept = Path(promoted.stdout.strip()).read_text()
    assert kept.startswith(f"# {find.difference}\n")
    assert "# checks: chain.stop-table\n" in kept
    assert kept.endswith(program.read_text())
    again = syslet("fuzz", "--replay", place)
    assert (again.returncode, again.stderr) == (1, "")
    assert again.stdout == f"100 of 100: {find.difference}\n"
    elsewhere = syslet("fuzz", "reference", "--replay", place / "find.json")
    assert (elsewhere.returncode, elsewhere.stdout) == (0, "0 of 100: it does not differ\n")


@CONFINED
@pytest.mark.parametrize(
    ("name", "kind", "how", "said"),
    [
        ("AbortsOnSkips", "crash", "crash: SIGABRT", "Fatal Python error: Aborted"),
        ("HangsOnSkips", "hang", "hang: a call does not return", 'engines_for_tests.py", line'),
        ("OpensAFile", "refused", "refused: mkdir", "mkdir"),
    ],
)
def test_an_engine_that_ends_is_a_find(
    tmp_path: Path, name: str, kind: str, how: str, said: str
) -> None:
    finds = tmp_path / "finds"
    words = ("--streams", "2000", "--most-finds", "1", "--finds", finds)
    ran = syslet("fuzz", wrong(name), *SEED, *words, before=SHORT)
    assert (ran.returncode, ran.stderr) == (1, "")
    find = read(find_in(finds))
    assert find.difference == how
    assert find_in(finds).name.startswith(f"{kind}-")
    assert (find.repeated, find.replays) == (3, 3)
    assert len(find.stream.atoms) <= 4
    assert (find_in(finds) / "got.txt").read_text() == f"{how}\n"
    assert said in (find_in(finds) / "said.txt").read_text()
    expected = (find_in(finds) / "expected.txt").read_text()
    assert "\ntrace of the reference:\n" in expected
    ran = syslet("exec", find_in(finds) / "program.syslet", "--abi", find.abi)
    assert (ran.returncode, ran.stderr) == (0, "")


@CONFINED
def test_an_engine_that_ends_as_it_is_asked_is_hunted_all_the_same(tmp_path: Path) -> None:
    finds = tmp_path / "finds"
    words = ("--streams", "2000", "--most-finds", "1", "--finds", finds)
    ran = syslet("fuzz", wrong("AbortsOnFaults"), *SEED, *words, before=SHORT)
    assert (ran.returncode, ran.stderr) == (1, "")
    for question in ("enters_faults", "reads_late"):
        line = f"not to be asked for {question}, judged as the reference: crash: SIGABRT"
        assert line in ran.stdout.splitlines()
    find = read(find_in(finds))
    assert (find.difference, find.repeated, find.replays) == ("crash: SIGABRT", 3, 3)
    again = syslet("fuzz", "--replay", find_in(finds))
    assert (again.returncode, again.stdout) == (1, "10 of 10: crash: SIGABRT\n")


@CONFINED
def test_orders_and_answers_are_no_standard_streams(tmp_path: Path) -> None:
    words = ("--streams", "300", "--finds", tmp_path / "finds")
    ran = syslet("fuzz", wrong("UsesStandardStreams"), *SEED, *words)
    assert (ran.returncode, ran.stderr) == (0, "")


@CONFINED
@pytest.mark.parametrize(
    ("engine", "seen"), [("AbortsOnReads", {"crash: SIGABRT": 1}), ("AbortsOnReadsOf0", {})]
)
def test_an_end_is_a_find_unless_it_is_left_open_what_the_stream_does(
    monkeypatch: pytest.MonkeyPatch, engine: str, seen: dict[str, int]
) -> None:
    """The second ends where the order that it takes reads a descriptor that is not the stream's."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    player = Player(Spec(wrong(engine), "ilp32-le", "1", sandboxed=True))
    stream = READS if seen else READS_0_OR_NOBODY
    try:
        assert player.differences(stream, 1) == seen
    finally:
        player.close()


@CONFINED
def test_jobs_and_the_same_seed_play_the_same_streams(tmp_path: Path) -> None:
    states = []
    for jobs in ("1", "2"):
        corpus = tmp_path / jobs
        words = ("--streams", "1500", "--corpus", corpus, "--jobs", jobs)
        assert syslet("fuzz", "reference", *SEED, *words).returncode == 0
        states.append(json.loads((corpus / "state.json").read_text()))
    for state in states:
        counts = state["judgements"]  # in which order syslets ran is not the seed's
        alike = sum(counts.pop(name, 0) for name in ("same", "allowed", "undecided"))
        assert (alike + sum(counts.values()), state["streams"]) == (1500, 1500)
    assert states[0] == states[1]


@CONFINED
def test_a_killed_hunt_leaves_a_corpus_that_the_next_one_takes_up(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    words = ["fuzz", "reference", *SEED, "--corpus", str(corpus), "--jobs", "2", "--time", "100s"]
    hunt = subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not (corpus / "state.json").exists():
        assert time.monotonic() < until
        assert hunt.poll() is None
    hunt.send_signal(signal.SIGKILL)
    hunt.wait()
    streams, wrong_files = Corpus(corpus).streams()
    assert streams
    assert wrong_files == []
    state, why = Corpus(corpus).state(State("reference", "ilp32-le", "1"))
    assert (why, state.streams) == ("", state.next_batch * 500)
    before = state.streams
    assert before > 0
    ran = syslet("fuzz", "reference", *SEED, "--corpus", corpus, "--streams", "500")
    assert ran.returncode == 0
    assert f"goes on behind {before:,} streams" in ran.stdout
    after, _ = Corpus(corpus).state(State("reference", "ilp32-le", "1"))
    assert after.streams == before + 500


@CONFINED
def test_ctrl_c_ends_a_hunt_and_says_what_there_is(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    words = ["fuzz", "reference", *SEED, "--corpus", str(corpus), "--time", "100s"]
    hunt = subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's & ignores it
    )
    until = time.monotonic() + 60
    while not (corpus / "state.json").exists():
        assert time.monotonic() < until
    hunt.send_signal(signal.SIGINT)
    said, errors = hunt.communicate(timeout=60)
    assert hunt.returncode == 0, errors
    assert "Traceback" not in errors
    assert " streams, " in said


# -- files ------------------------------------------------------------------------------

STREAM = Stream((1, 2), (0,) * 6, (0,) * 4, (), ())
FIND = Find("native", "lp64-le", "native 1", "7", 3, 9, "exec gave NULL, wanted an error", STREAM)


FIELDS = {**asdict(FIND), "stream": to_bytes(STREAM).hex(), "format": FORMAT}


def test_a_find_is_read_as_it_was_written_and_replaced_whole(tmp_path: Path) -> None:
    place = save(FIND, tmp_path, {"got.txt": "first\n"})
    assert read(place) == FIND
    assert place.name.startswith("exec-gave-null-wanted-an-error-")
    assert save(FIND, tmp_path, {"expected.txt": "second\n"}) == place
    assert sorted(path.name for path in place.iterdir()) == ["expected.txt", "find.json"]
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no find: Input data was truncated"),
        ("[]", "no find: Expected `object`, got `array`"),
        ("{}", "no find: Object missing required field `format`"),
        (json.dumps({"format": 99}), f"format 99; wanted {FORMAT}"),
        (json.dumps({**FIELDS, "stream": "zz"}), "no find: non-hexadecimal number found"),
        (
            json.dumps({**FIELDS, "backend": 3}),
            "no find: Expected `str`, got `int` - at `$.backend`",
        ),
        (json.dumps({"format": FORMAT}), "no find: Object missing required field `backend`"),
        ("[" * 100_000, "no find: "),
        ("x" * (1 << 20) + "x", "more than 1048576 bytes"),
    ],
    ids=["empty", "list", "no-format", "version", "no-hex", "number", "fields", "deep", "large"],
)
def test_a_file_that_is_no_find_is_said_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "find.json"
    path.write_text(text)
    with pytest.raises(SysletError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: {says}")
    ran = syslet("fuzz", "--replay", path)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"syslet: {path}: ")
    assert len(ran.stderr.splitlines()) == 1


def test_what_is_no_stream_in_a_corpus_is_named_and_left_alone(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    corpus.add(to_bytes(STREAM))
    (tmp_path / ("0" * 40)).write_bytes(b"abc")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "large").write_bytes(bytes(MOST_STREAM_BYTES + 1))
    (tmp_path / "anybody").write_bytes(b"any bytes are a stream")
    (tmp_path / "folder").mkdir()
    streams, lines = corpus.streams()
    assert sorted(streams) == sorted([to_bytes(STREAM), b"any bytes are a stream"])
    assert lines == [
        f"{tmp_path / ('0' * 40)}: other bytes than its name says: not a stream",
        f"{tmp_path / 'empty'}: no bytes: not a stream",
        f"{tmp_path / 'folder'}: Is a directory: not a stream",
        f"{tmp_path / 'large'}: too many bytes: not a stream",
    ]
    assert (tmp_path / name_of(to_bytes(STREAM))).read_bytes() == to_bytes(STREAM)


STATE = {
    "format": 1,
    "backend": "native",
    "abi": "lp64-le",
    "seed": "1",
    "next_batch": 0,
    "streams": 0,
    "judgements": {},
    "features": {},
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 2}',
        '{"format": 1, "a": 1}',
        json.dumps({**STATE, "judgements": {"same": "many"}}),
        json.dumps({**STATE, "next_batch": -1}),
        "[" * 100_000,
    ],
    ids=["empty", "brace", "list", "version", "fields", "words", "negative", "deep"],
)
def test_a_state_that_is_none_is_named_and_the_hunt_starts_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    start = State("native", "lp64-le", "1")
    state, why = Corpus(tmp_path).state(start)
    assert state is start
    assert why.startswith(f"{tmp_path / 'state.json'}: ")
    assert why.endswith("the hunt starts anew")


def test_a_state_is_read_as_it_was_kept(tmp_path: Path) -> None:
    state = State("native", "lp64-le", "1", 3, 1500, Counter(same=9), Counter({"flag SYNC": 4}))
    Corpus(tmp_path).keep_state(state)
    assert Corpus(tmp_path).state(State("native", "lp64-le", "1")) == (state, "")


def test_the_state_of_another_hunt_is_not_taken_up(tmp_path: Path) -> None:
    Corpus(tmp_path).keep_state(State("native", "lp64-le", "1", next_batch=5))
    start = State("native", "lp64-le", "2")
    assert Corpus(tmp_path).state(start) == (start, "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "a backend is wanted"),
        (["nothing"], "nothing"),
        (["native", "--abi", "ilp32-le"], "ilp32-le"),
        (["native", "--time", "soon"], "'soon': wanted seconds, or a number with s, m or h"),
        (["native", "--streams", "0"], "0"),
        (["native", "--database", "http://x"], "wanted redis://HOST:PORT/NUMBER"),
        (["--replay", "/nonexistent"], "/nonexistent"),
        (["exec:false", "--streams", "1"], "false"),
        (["exec:cat", "--streams", "1"], "cat"),
        (
            [wrong("DiesInExec"), "--no-sandbox", "--streams", "1"],
            "the engine ended as it was opened: crash: SIGABRT",
        ),
    ],
    ids=lambda value: "-".join(value).replace("/", "") if isinstance(value, list) else "",
)
def test_what_cannot_be_hunted_is_one_line_and_exit_2(words: list[str], says: str) -> None:
    ran = syslet("fuzz", *words)
    assert ran.returncode == 2
    assert says in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert "Traceback" not in ran.stderr


@CONFINED
@pytest.mark.parametrize("command", ["{python} engine", "./engine"])
def test_a_command_names_files_from_where_the_hunt_began(tmp_path: Path, command: str) -> None:
    """The engine is started elsewhere, in an empty directory; a word that is no file stays."""
    (tmp_path / "engine").write_text(f"#!{sys.executable}\n{MAIN}\n")
    (tmp_path / "engine").chmod(0o755)
    (tmp_path / "reference").mkdir()
    backend = f"exec:{command.format(python=sys.executable)} serve reference"
    there = f"import os\nos.chdir({str(tmp_path)!r})\n"
    ran = syslet("fuzz", backend, "--streams", "20", before=there)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "20 streams" in ran.stdout


def test_without_a_sandbox_it_says_so_and_ends() -> None:
    before = (
        "import syslet_conformance.fuzz.console as console\n"
        "console.why_not = lambda: 'no seccomp: the kernel has none'\n"
    )
    ran = syslet("fuzz", "reference", "--streams", "1", before=before)
    assert ran.returncode == 2
    assert ran.stderr == ("syslet: no seccomp: the kernel has none; --no-sandbox plays without\n")
    ran = syslet("fuzz", "reference", "--streams", "10", "--no-sandbox", before=before)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "sandbox" not in ran.stdout


def test_no_other_command_waits_for_what_a_hunt_needs() -> None:
    script = "import sys, syslet_conformance.cli; print('hypothesis' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


@pytest.mark.parametrize("option", ["--finds", "--corpus"])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch()
    words = ("--streams", "2000", "--most-finds", "1", option, tmp_path / "file" / "there")
    ran = syslet("fuzz", WRONG, *SEED, *words, before=SHORT)
    assert ran.returncode == 2
    assert ran.stderr == f"syslet: {tmp_path / 'file' / 'there'}: Not a directory\n"


def test_a_corpus_that_goes_away_is_one_line(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path / "corpus")
    (tmp_path / "corpus").rmdir()
    with pytest.raises(SysletError, match=r"state\.json: No such file or directory, wanted a file"):
        corpus.keep_state(State("native", "lp64-le", "1"))
