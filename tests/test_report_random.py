"""Results and reports that were changed at random: a report, or an error on one line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
from results_for_tests import edited, header, lines, result, run, said, written

from syslet_conformance.results import AtomSeen, Evidence, to_line
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

VALUES = (
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"Infinity",
    b"9" * 400,
    b'""',
    b'"\\ud800"',
    b'"\\u0000\\u001b[31m\\n<script>"',
    b"{}",
    b"[]",
    b"[" * 5000,
    b'["chain.next","chain.next"]',
    b'{"a":"b"}',
    b'"pass"',
    b'"crash"',
)


def mutated(random_: random.Random, line: bytes) -> bytes:
    """The line with a value replaced, a byte changed, a part gone or twice."""
    place = random_.randrange(len(line))
    match random_.randrange(5):
        case 0:
            return line[:place] + bytes([random_.randrange(256)]) + line[place + 1 :]
        case 1:
            return line[:place] + line[place + random_.randrange(40) :]
        case 2:
            return line[:place] + line[place : place + 20] * 2 + line[place + 20 :]
        case 3:
            return line + line
        case _:
            return replaced(random_, line)


def replaced(random_: random.Random, line: bytes) -> bytes:
    """The line with one of `VALUES` for something in it, however deep."""
    whole = json.loads(line)
    inside = whole
    while True:
        key = random_.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
        if not (isinstance(inside[key], dict | list) and inside[key] and random_.random() < 0.8):
            break
        inside = inside[key]
    inside[key] = "HERE"
    return json.dumps(whole).encode().replace(b'"HERE"', random_.choice(VALUES)) + b"\n"


def test_lines_that_were_changed_at_random_give_a_report_or_one_line(tmp_path: Path) -> None:
    random_ = random.Random(5)
    evidence = Evidence(atoms=(AtomSeen("a", "getpid", "", "b", "c"),), note="n")
    failed = result("a::t[cached-lp64-le]", Verdict.FAIL, message="m", output="o")
    full = edited(failed, evidence=msgspec.to_builtins(evidence), program="x", characteristics={})
    whole = [lines(header()), to_line(result()), full]
    (tmp_path / "good").write_bytes(b"".join(whole))
    outcomes = set()
    for number in range(600):
        changed = list(whole)
        at = random_.randrange(3)
        changed[at] = mutated(random_, changed[at])
        path = tmp_path / "bad"
        path.write_bytes(b"".join(changed))
        words: list[str | Path] = ["diff", tmp_path / "good", path]
        if number % 2:
            words = ["report", path, "-o", tmp_path / "out"]
        ran = run(*words)
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            said(ran)
        outcomes.add("error" if isinstance(ran.exception, SysletError) else ran.exit_code)
        if number % 2 and ran.exit_code == 0:
            written(tmp_path / "out")
    assert {0, "error"} <= outcomes <= {0, 1, "error"}


def test_a_report_changed_at_random_is_compared_or_one_line(tmp_path: Path) -> None:
    random_ = random.Random(6)
    failed = result("a::t[cached-lp64-le]", Verdict.FAIL, message="m")
    (tmp_path / "old").write_bytes(lines(header(started="2025-01-01"), result()))
    run("report", tmp_path / "old", "-o", tmp_path / "out")
    (tmp_path / "results0").write_bytes(lines(header(), result(), failed))
    run("report", tmp_path / "results0", "-o", tmp_path / "out", "--history", tmp_path / "out")
    whole = json.loads((tmp_path / "out" / "report.json").read_text())
    line = json.dumps(whole | {"requirements": whole["requirements"][:2]}).encode()
    good, bad = tmp_path / "results0", tmp_path / "bad"
    commands: list[list[str | Path]] = [
        ["diff", good, bad],
        ["report", good, "-o", tmp_path / "new", "--history", bad],
    ]
    for _ in range(300):
        bad.write_bytes(
            mutated(random_, line) if random_.random() < 0.3 else replaced(random_, line)
        )
        for words in commands:
            ran = run(*words)
            if ran.exception is not None and not isinstance(ran.exception, SystemExit):
                said(ran)
