"""Results that tests make up, and what the commands make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from click.testing import CliRunner
from click.testing import Result as Ran

from syslet_conformance.cli import group
from syslet_conformance.report import Report, report_schema
from syslet_conformance.results import SCHEMA_VERSION, Header, Result, to_line
from syslet_conformance.tally import Tally
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError


def header(
    engine: str = "mine",
    version: str = "1",
    backend: str = "exec:mine",
    *,
    suite: str = "0.1.0",
    started: str = "2026-01-01T00:00:00+00:00",
) -> Header:
    return Header(
        schema=SCHEMA_VERSION,
        suite=suite,
        backend=backend,
        engine=engine,
        engine_version=version,
        engine_build="cc",
        host="Linux",
        seed=0,
        started=started,
    )


def result(
    test: str = "chaining::test_a[cached-lp64-le]",
    verdict: Verdict = Verdict.PASS,
    *,
    ids: tuple[str, ...] = ("chain.next",),
    abi: str = "lp64-le",
    message: str = "",
    characteristics: dict[str, str] | None = None,
    output: str = "",
    duration_s: float = 0.1,
) -> Result:
    return Result(
        test=test,
        requirements=ids,
        abi=abi,
        mode="cached",
        verdict=verdict,
        message=message,
        repeat=f"syslet run exec:mine --test '{test}'",
        duration_s=duration_s,
        output=output,
        characteristics=characteristics or {},
    )


def lines(*values: Header | Result) -> bytes:
    return b"".join(map(to_line, values))


def tallied(*values: Header | Result) -> Report:
    """The report of these, in memory."""
    tally = Tally()
    for value in values:
        if isinstance(value, Header):
            tally.begin(value, "here")
        else:
            tally.take(value, "here")
    return tally.report()


def report(folder: Path, *files: bytes) -> Ran:
    """`syslet report` of files of these bytes, into ``out``."""
    paths = []
    for number, data in enumerate(files):
        path = folder / f"results{number}"
        path.write_bytes(data)
        paths.append(str(path))
    return CliRunner().invoke(group, ["report", *paths, "-o", str(folder / "out")])


def run(*words: str | Path) -> Ran:
    """The command line, in this process."""
    return CliRunner().invoke(group, [*map(str, words)])


def written(folder: Path) -> dict[str, Any]:
    """The report.json of a folder, which fits its schema."""
    data: dict[str, Any] = json.loads((folder / "report.json").read_text())
    jsonschema.validate(data, report_schema())
    return data


def said(ran: Ran) -> str:
    """The one line of an error that a user caused."""
    assert isinstance(ran.exception, SysletError), ran.exc_info
    line = str(ran.exception)
    assert line.isprintable()
    assert len(line) < 2000
    return line


def edited(value: Result, **fields: object) -> bytes:
    """The line with other fields than a `Result` can have."""
    return json.dumps(json.loads(to_line(value)) | fields).encode() + b"\n"
