"""The results as JUnit XML, for the pages of a continuous integration server.

A test suite for each engine and ABI. `Cases` takes the results as they are read and keeps them in
a temporary file, each as the element that it becomes, since a suite's counts come before its
cases.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from syslet_conformance.report import Engine
from syslet_conformance.results import Result
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

ELEMENTS = {
    Verdict.PASS: "",
    Verdict.SKIP: "skipped",
    Verdict.UNJUDGED: "skipped",
    Verdict.FAIL: "failure",
    Verdict.HANG: "error",
    Verdict.CRASH: "error",
}
"""What a case holds, by its verdict."""

WORDS_CHARS = 4000
"""Longer messages are cut."""

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold, not even as a reference."""

_BUFFERED_BYTES = 1 << 22
_STARTS_KEPT = 100_000
_LINE_ENDS = {"\n": "&#10;", "\r": "&#13;"}


class Suite(NamedTuple):
    """One engine, by its number in the report, on one ABI."""

    engine: int
    abi: str


class Cases:
    """The cases of all suites, in a temporary file; a context manager."""

    def __init__(self) -> None:
        self._file = _temporary()
        self._buffers: dict[Suite, list[bytes]] = {}
        self._buffered = 0
        self._chunks: dict[Suite, list[tuple[int, int]]] = {}
        self._seconds: dict[Suite, float] = {}
        self._ways: dict[str, int] = {}
        self._starts: dict[str, str] = {}

    def __enter__(self) -> Cases:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._file.close()

    def add(self, engine: int, way: str, index: int, result: Result) -> None:
        """Take a result of the report's test `index`; of several the one that counts is written."""
        number = self._ways.setdefault(way, len(self._ways))
        line = f"{number} {index} {result.verdict[0]} {self._case(result)}\n".encode()
        suite = Suite(engine, result.abi)
        self._buffers.setdefault(suite, []).append(line)
        self._seconds[suite] = self._seconds.get(suite, 0.0) + result.duration_s
        self._buffered += len(line)
        if self._buffered >= _BUFFERED_BYTES:
            self._flush()

    def _case(self, result: Result) -> str:
        start = self._starts.get(result.test)
        if start is None:
            if len(self._starts) >= _STARTS_KEPT:
                self._starts.clear()
            area, _, name = result.test.rpartition("::")
            start = f"<testcase classname={_quoted(area or name)} name={_quoted(name)}"
            self._starts[result.test] = start
        start = f'{start} time="{result.duration_s:.6f}"'
        element = ELEMENTS[result.verdict]
        if not element:
            return f"{start}/>"
        if element == "skipped":
            return f"{start}><skipped>{_text(_reason(result))}</skipped></testcase>"
        message = _quoted(_shortened(result.message.partition("\n")[0]))
        opened = f'<{element} type="{result.verdict}" message={message}>'
        return f"{start}>{opened}{_text(_account(result))}</{element}></testcase>"

    def pieces(self, engines: Sequence[Engine]) -> Iterator[bytes]:
        """The document. `engines` are the report's, in the order of their numbers."""
        yield b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
        self._flush()
        for id_, suite in enumerate(sorted(self._chunks, key=lambda suite: suite.engine)):
            engine = engines[suite.engine]
            yield self._head(id_, suite, engine).encode()
            yield from self._written(suite, engine.each)
            yield b"<system-out/><system-err/>\n</testsuite>\n"
        yield b"</testsuites>\n"

    def _head(self, id_: int, suite: Suite, engine: Engine) -> str:
        run, counts = engine.run, Counter[str]()
        for verdict, count in engine.tests[suite.abi].items():
            counts[ELEMENTS[verdict]] += count
        name = f"{run.engine} {run.engine_version} ({run.backend}) {suite.abi}".strip()
        attributes = {
            "id": str(id_),
            "name": name,
            "package": run.engine or "engine",
            "hostname": run.host or "localhost",
            "timestamp": _timestamp(run.started),
            "tests": str(counts.total()),
            "failures": str(counts["failure"]),
            "errors": str(counts["error"]),
            "time": f"{self._seconds[suite]:.6f}",
        }
        if counts["skipped"]:
            attributes["skipped"] = str(counts["skipped"])
        facts = {
            "suite": run.suite,
            "backend": run.backend,
            "build": run.engine_build,
            "abi": suite.abi,
            "seed": str(run.seed),
        }
        head = " ".join(f"{key}={_quoted(value)}" for key, value in attributes.items())
        properties = "".join(
            f"<property name={_quoted(key)} value={_quoted(value)}/>"
            for key, value in facts.items()
        )
        return f"<testsuite {head}>\n<properties>{properties}</properties>\n"

    def _written(self, suite: Suite, each: dict[str, str]) -> Iterator[bytes]:
        """The elements whose verdict is the one that the report has of their test."""
        letters = [each.get(way, "").encode() for way in self._ways]
        for offset, length in self._chunks[suite]:
            self._file.seek(offset)
            cases = []
            for line in self._file.read(length).splitlines(keepends=True):
                way, index, letter, case = line.split(b" ", 3)
                if letters[int(way)][int(index)] == letter[0]:
                    cases.append(case)
            yield b"".join(cases)

    def _flush(self) -> None:
        try:
            end = self._file.seek(0, 2)
            for suite, lines in self._buffers.items():
                data = b"".join(lines)
                self._file.write(data)
                self._chunks.setdefault(suite, []).append((end, len(data)))
                end += len(data)
            self._file.flush()
        except OSError as error:
            raise SysletError(f"temporary file of cases: {error.strerror}") from None
        self._buffers.clear()
        self._buffered = 0


def _temporary() -> IO[bytes]:
    """A file that is gone when it is closed."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise SysletError(f"no temporary file: {error.strerror}") from None


def _reason(result: Result) -> str:
    said = _shortened(result.message)
    return said if result.verdict is Verdict.SKIP else f"{result.verdict}: {said}"


def _account(result: Result) -> str:
    """Everything about a test that failed, as text."""
    parts = [_shortened(result.message), f"repeat: {_shortened(result.repeat)}"]
    if result.requirements:
        parts.insert(0, ", ".join(dict.fromkeys(result.requirements)))
    if result.output.strip():
        parts.append(f"it said on standard error:\n{result.output[-WORDS_CHARS:]}")
    return "\n".join(parts)


def _shortened(words: str) -> str:
    return words if len(words) <= WORDS_CHARS else words[:WORDS_CHARS] + "…"


def _quoted(words: str) -> str:
    """As the value of an attribute, with its quotes."""
    return quoteattr(_NO_XML.sub("\ufffd", words), _LINE_ENDS)


def _text(words: str) -> str:
    """As the content of an element, on one line of the file."""
    return escape(_NO_XML.sub("\ufffd", words), _LINE_ENDS)


def _timestamp(started: str) -> str:
    """In UTC and without a zone, as the schema wants it; the epoch where it is no time."""
    try:
        moment = datetime.fromisoformat(started)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")
