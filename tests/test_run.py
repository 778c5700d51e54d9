"""`syslet run` as people call it: verdicts, exit statuses, results, and bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from running import ONE, TWO, syslet, wrong

from syslet_conformance.commands.run import usual_jobs
from syslet_conformance.outcome import REWRITTEN
from syslet_conformance.results import from_line, read_results, results_schema
from syslet_conformance.verdicts import Verdict, engine_status, worst
from syslet_layouts import SysletError

HERE = Path(__file__).parent


def test_a_correct_engine_passes_one_requirement_with_exit_0(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    ran = syslet("run", wrong("Correct"), *TWO, "--results", str(results))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    read = read_results(results)
    assert read
    assert {result.verdict for result in read} == {Verdict.PASS}
    assert {result.abi for result in read} == {"ilp32-le"}


def test_an_engine_that_dies_costs_each_test_and_the_run_goes_on(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    words = ["run", wrong("DiesInExec"), *TWO, "--results", str(results)]
    ran = syslet(*words)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    read = read_results(results)
    assert {result.verdict for result in read} == {Verdict.CRASH}
    assert all("SIGABRT" in result.message for result in read)
    assert "Traceback" not in ran.stderr


def test_an_engine_that_never_returns_hangs_in_each_test_and_crashes_in_none(
    tmp_path: Path,
) -> None:
    results = tmp_path / "r.jsonl"
    words = ["run", wrong("HangsInExec"), *TWO, "--results", str(results)]
    ran = syslet(*words)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    read = read_results(results)
    assert [result.verdict for result in read] == [Verdict.HANG, Verdict.HANG]
    assert all("exec did not return" in result.message for result in read)


def test_an_engine_that_ends_its_process_with_status_0_has_crashed(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    words = ["run", wrong("EndsInExec"), *TWO, "--results", str(results)]
    assert syslet(*words).returncode == 1
    read = read_results(results)
    assert [result.verdict for result in read] == [Verdict.CRASH, Verdict.CRASH]


def test_a_call_that_the_engine_lacks_is_a_skip_by_name_and_the_must_is_not_judged(
    tmp_path: Path,
) -> None:
    results = tmp_path / "r.jsonl"
    words = ["run", wrong("LacksUmemAdd"), *TWO]
    assert syslet(*words, "--results", str(results)).returncode == 2
    read = read_results(results)
    assert {result.verdict for result in read} == {Verdict.SKIP}
    assert all("'umem_add'" in result.message for result in read)


@pytest.mark.parametrize(
    ("name", "lacks"),
    [("LacksPipes", "pipe"), ("LacksThreads", "threads")],
    ids=["pipe", "threads"],
)
def test_what_the_engine_says_it_lacks_is_a_skip_with_that_reason(
    name: str, lacks: str, tmp_path: Path
) -> None:
    results = tmp_path / "r.jsonl"
    ids = ("wait.not-earlier", "skip.stride")
    words = ["run", wrong(name), *(word for id_ in ids for word in ("--requirement", id_))]
    assert syslet(*words, "--results", str(results)).returncode == 2
    read = read_results(results)
    skipped = [result for result in read if result.verdict is Verdict.SKIP]
    assert {result.message for result in skipped} == {f"the engine says that it lacks {lacks!r}"}
    assert {result.verdict for result in read} == {Verdict.SKIP, Verdict.PASS}


@pytest.mark.parametrize("jobs", [2, 3])
def test_several_jobs_judge_what_one_does(jobs: int, tmp_path: Path) -> None:
    ids = ("arg.by-pointer", "chain.next", "skip.stride", "wait.at-once")
    words = ["run", wrong("Correct"), *(word for id_ in ids for word in ("--requirement", id_))]
    names = []
    for number in (1, jobs):
        results = tmp_path / f"{number}.jsonl"
        ran = syslet(*words, "--jobs", str(number), "--results", str(results))
        assert ran.returncode == 0, ran.stdout + ran.stderr
        read = read_results(results)
        assert {result.verdict for result in read} == {Verdict.PASS}
        names.append(sorted(result.test for result in read))
    assert names[0] == names[1]


def test_an_engine_that_returns_the_final_atom_fails_in_nothing_else(tmp_path: Path) -> None:
    """Whoever may return that (exec.returns-final) is not failed for it elsewhere."""
    results = tmp_path / "r.jsonl"
    ran = syslet("run", "python:mutants.running:ReturnsFinal", "--results", str(results))
    assert ran.returncode == 1, ran.stdout + ran.stderr
    failed = [result for result in read_results(results) if result.verdict is not Verdict.PASS]
    assert {result.requirements for result in failed} == {("exec.cached-returns-submitted",)}
    assert {result.verdict for result in failed} == {Verdict.FAIL}


@pytest.mark.parametrize(
    ("backend", "processors", "workers"),
    [("reference", 1, 1), ("reference", 4, 4), ("reference", 99, 8), ("native", 4, 1)],
)
def test_the_reference_has_a_worker_a_processor_and_other_engines_have_one(
    backend: str, processors: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(pid, processors)))
    assert usual_jobs(backend) == workers


def test_a_resumed_run_leaves_out_what_was_judged(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    words = ["run", wrong("Correct")]
    assert syslet(*words, "--test", ONE, "--results", str(results)).returncode == 0
    first = read_results(results)
    assert [result.test for result in first] == [ONE]
    assert syslet(*words, *TWO, "--resume", str(results)).returncode == 0
    names = [result.test for result in read_results(results)]
    assert len(names) == len(set(names)) > 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonesuch"], "no backend 'nonesuch'"),
        (["--abi", "vax"], "no ABI 'vax'"),
        (["--requirement", "chain.nxt"], "no requirement 'chain.nxt'; nearest: chain.next"),
        (["--test", "nothing"], "no test was collected"),
        (["--resume", "/nonexistent/r"], "/nonexistent/r: No such file or directory"),
        (["--jobs", "0"], "'--jobs'"),
        (["python:nonesuch:Engine"], "No module named 'nonesuch'"),
    ],
    ids=["backend", "abi", "requirement", "test", "resume", "jobs", "plug-in"],
)
def test_what_cannot_be_judged_is_one_line_and_exit_2(words: list[str], said: str) -> None:
    ran = syslet("run", *words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_results_file_that_is_none_is_refused_by_line(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    results.write_text('{"type":"result"}\n')
    with pytest.raises(SysletError, match=r"r\.jsonl:1: not a result: .*`test`"):
        read_results(results)


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    results.write_text('{"type":"resu')
    assert read_results(results) == []


def test_a_run_that_was_killed_within_a_line_is_resumed_into_a_valid_file(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    words = ["run", wrong("Correct")]
    assert syslet(*words, "--test", ONE, "--results", str(results)).returncode == 0
    with results.open("ab") as file:
        file.write(b'{"type":"resu')
    assert syslet(*words, *TWO, "--resume", str(results)).returncode == 0
    names = [result.test for result in read_results(results)]
    assert len(names) == len(set(names)) == 2


@pytest.mark.parametrize("text", ["a diary", '{"type":"diary"}\n', "line\nline"])
def test_results_are_not_appended_to_another_file_which_stays(tmp_path: Path, text: str) -> None:
    diary = tmp_path / "diary"
    diary.write_text(text)
    ran = syslet("run", wrong("Correct"), "--test", ONE, "--results", str(diary))
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "not a result" in ran.stderr
    assert diary.read_text() == text


def test_an_interrupted_run_leaves_a_valid_file_and_says_what_was_judged(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(HERE), "NO_COLOR": "1"}
    command = [sys.executable, "-c", "from syslet_conformance.cli import main; main()"]
    running = subprocess.Popen(
        [*command, "run", "--results", str(results)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's & ignores it
    )
    deadline = time.monotonic() + 60
    while not results.exists() or results.read_bytes().count(b"\n") < 5:
        assert time.monotonic() < deadline, "no results within 60 s"
        assert running.poll() is None, "the run ended before it was interrupted"
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 2, out + err
    assert "interrupted: this is what was judged by then" in out
    assert "Traceback" not in err
    assert len(read_results(results)) >= 4


def test_a_run_that_is_interrupted_before_the_first_verdict_says_that(tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    default = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    words = ["run", wrong("InterruptsTheRun"), *TWO, "--results", str(results)]
    ran = syslet(*words, before=default)
    assert ran.returncode == 2
    assert ran.stderr.strip() == "syslet: interrupted: no test was judged by then"
    assert read_results(results) == []


def children_of(pid: int) -> list[int]:
    """The processes that `pid` has started."""
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_run_that_is_killed_takes_its_workers_with_it() -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE), "NO_COLOR": "1"}
    command = [sys.executable, "-c", "from syslet_conformance.cli import main; main()"]
    running = subprocess.Popen(
        [*command, "run", wrong("HangsInExec"), *TWO],
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    deadline = time.monotonic() + 60
    while not (workers := children_of(running.pid)):
        assert time.monotonic() < deadline, "no worker within 60 s"
    running.kill()
    running.wait()
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "a worker outlived the run"


def test_a_pytest_of_other_peoples_tests_loads_nothing_of_the_suite(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text("def test_theirs(): pass\n")
    script = (
        "import pytest, sys\n"
        "assert pytest.main(['-q', '-p', 'no:cacheprovider', sys.argv[1]]) == 0\n"
        "print([m for m in ('construct', 'lark', 'msgspec') if m in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_another_schema_version_is_refused() -> None:
    fields = dict.fromkeys(
        ("suite", "backend", "engine", "engine_version", "engine_build", "host", "started"), ""
    )
    line = msgspec.json.encode({"type": "run", "schema": 99, "seed": 0, **fields})
    with pytest.raises(SysletError, match="schema 99; wanted 1"):
        from_line(line, "x")


def test_the_published_schema_is_current() -> None:
    published = HERE.parent / "reports" / "results.schema.json"
    assert json.loads(published.read_text()) == results_schema()


def test_a_must_that_was_skipped_does_not_hold() -> None:
    assert engine_status({"chain.next": Verdict.PASS}) == 0
    assert engine_status({"chain.next": Verdict.SKIP}) == 2
    assert engine_status({"chain.next": Verdict.UNJUDGED}) == 2
    assert engine_status({"chain.next": Verdict.CRASH, "skip.stride": Verdict.SKIP}) == 1
    assert engine_status({"wait.zero-on-success": Verdict.FAIL}) == 0
    assert engine_status({}) == 2
    assert worst([Verdict.PASS, Verdict.FAIL, Verdict.SKIP]) is Verdict.FAIL
    assert worst([]) is Verdict.UNJUDGED


def test_a_known_failure_is_set_aside_and_a_stale_one_fails_the_run(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    words = ["run", wrong("DiesInExec"), "--test", ONE, "--known-failures", str(known)]
    other = "skip::nothing*"
    known.write_text(f'[known-failures]\n"{ONE}" = "it aborts"\n')
    assert "1 known failures set aside" in syslet(*words).stdout
    known.write_text(f'[known-failures]\n"{ONE}" = "it aborts"\n"{other}" = "gone"\n')
    ran = syslet(*words)
    assert ran.returncode != 0
    assert f"known failure {other}: matches no test" in ran.stdout
    known.write_text(f'[known-failures]\n"{ONE}" = "it aborts"\n')
    ran = syslet("run", wrong("Correct"), "--test", ONE, "--known-failures", str(known))
    assert ran.returncode == 1
    assert f"known failure {ONE}: passes" in ran.stdout
    known.write_text(f'[known-failures]\n"{ONE}" = ""\n')
    ran = syslet(*words)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "no reason" in ran.stderr


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("expected 1, got 2\nassert 2 == 1", "expected 1, got 2"),
        ("two\nlines\nassert {\n 2} == 1\n + where", "two\nlines"),
        ("assert 2 == 1", "assert 2 == 1"),
        ("expected 1, got 2", "expected 1, got 2"),
    ],
)
def test_an_assertion_with_a_message_of_its_own_says_that_alone(message: str, said: str) -> None:
    assert REWRITTEN.sub("", message) == said
