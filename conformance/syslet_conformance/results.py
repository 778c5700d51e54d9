"""Results as they come: JSON lines, appended; a header first, then one line a test."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Annotated

import msgspec

from syslet_conformance.foreign import shown
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

SCHEMA_VERSION = 1

Word = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""An integer that fits 64 bits, as every reader of JSON can hold it."""

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Header(msgspec.Struct, tag="run", tag_field="type", frozen=True):
    """Provenance of what follows."""

    schema: Word
    suite: str
    backend: str
    engine: str
    engine_version: str
    engine_build: str
    host: str
    seed: Word
    started: str


class AtomSeen(msgspec.Struct, frozen=True):
    """One atom of a program as it was loaded: labels, and "" where there is none.

    `skip` is the atom that lies a full stride away; `call` a name, or ``nr(N)``.
    """

    label: str
    call: str
    flags: str
    next: str
    skip: str


class Traced(msgspec.Struct, frozen=True):
    """One step of the reference engine (`syslet_reference.STEPS`), addresses as labels."""

    step: str
    syslet: int
    atom: str
    detail: dict[str, str]


class Turn(msgspec.Struct, frozen=True):
    """One step of a test: what the engine gave, what the reference gave, and how it got there.

    `step` is a line of program text; what was given is as `syslet exec` prints it.
    """

    step: str
    engine: str
    reference: str
    trace: tuple[Traced, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the engine gave something else than the reference."""
        return self.engine != self.reference


class Differing(msgspec.Struct, frozen=True):
    """A word or a run of bytes that ends otherwise than on the reference."""

    name: str
    engine: str
    reference: str


class Evidence(msgspec.Struct, frozen=True):
    """The program of a test that did not pass, on the engine and on the reference.

    `note` says what of it could not be had, and why.
    """

    atoms: tuple[AtomSeen, ...] = ()
    turns: tuple[Turn, ...] = ()
    memory: tuple[Differing, ...] = ()
    note: str = ""

    @property
    def parting(self) -> int | None:
        """The number of the first turn that differs, from 0; None where none does."""
        return next((number for number, turn in enumerate(self.turns) if turn.differs), None)


class Result(msgspec.Struct, tag="result", tag_field="type", frozen=True, omit_defaults=True):
    """One test on one ABI in one mode; `test` is ``area::function[parameters]``.

    `program`, `output` (what the engine said beside its answers) and `evidence` are of tests that
    did not pass.
    """

    test: str
    requirements: tuple[str, ...]
    abi: str
    mode: str | None
    verdict: Verdict
    message: str
    repeat: str
    duration_s: Seconds
    program: str = ""
    output: str = ""
    characteristics: dict[str, str] = {}
    evidence: Evidence | None = None


Line = Header | Result

_decoder = msgspec.json.Decoder(Line)
_encoder = msgspec.json.Encoder()
_LINE_START = b'{"type":"'


def to_line(line: Line) -> bytes:
    """One line, with its line feed."""
    return _encoder.encode(line) + b"\n"


def from_line(data: bytes, where: str) -> Line:
    """The value of a line. SysletError that names `where` and what was wanted."""
    try:
        line: Line = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SysletError(f"{where}: not a result: {shown(str(error))}") from None
    if isinstance(line, Header) and line.schema != SCHEMA_VERSION:
        raise SysletError(f"{where}: schema {line.schema}; wanted {SCHEMA_VERSION}")
    return line


def read_results(path: Path) -> list[Result]:
    """The results of a file; a last line that was cut off is left out."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SysletError(f"{path}: {error.strerror}") from None
    lines = data.split(b"\n")[:-1]
    read = [from_line(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]
    return [line for line in read if isinstance(line, Result)]


def open_results(path: Path) -> IO[bytes]:
    """The file, for appending: new, or one with results, whose last line may be cut off.

    What was cut off goes, since a line appended to it could not be read. SysletError where
    the file is something else, which is left as it is.
    """
    try:
        file = path.open("a+b")
        if file.tell():
            read_results(path)
            file.seek(0)
            *_, rest = file.read().split(b"\n")
            start = rest[: len(_LINE_START)]
            if not _LINE_START.startswith(start):
                raise SysletError(f"{path}: not a result: its last line starts with {start!r}")
            file.truncate(file.tell() - len(rest))
    except OSError as error:
        raise SysletError(f"{path}: {error.strerror}") from None
    return file


def results_schema() -> dict[str, object]:
    """The JSON Schema of a line."""
    return schema_of(Line)


def schema_of(kind: object) -> dict[str, object]:
    """The JSON Schema of a type, as it is read back: a default that is a tuple is a list."""
    schema: dict[str, object] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(kind)))
    return schema
