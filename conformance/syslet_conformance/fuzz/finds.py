"""A find as a directory: the program, what was expected and got, and how to repeat it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from syslet_conformance.fuzz.stream import Stream, of_bytes, to_bytes
from syslet_layouts import SysletError

FORMAT = 1
"""The version of ``find.json``."""

LIMIT_BYTES = 1 << 20
"""A larger ``find.json`` is none."""

FILE = "find.json"

SAID = "said.txt"
"""What the engine's process said last, where it ended or hung."""

SLUG_CHARS = 48


@dataclass(frozen=True, slots=True)
class Find:
    """What was found: on which engine, by which stream, how it differs, and how often.

    `repeated` of `replays` plays showed it again; where it is fewer, the engine, or the machine,
    does one time this and one time that.
    """

    backend: str
    abi: str
    engine: str
    seed: str
    batch: int
    number: int
    difference: str
    stream: Stream
    shrunk: bool = False
    repeated: int = 0
    replays: int = 0

    @property
    def varies(self) -> bool:
        """Whether it does not show each time."""
        return self.repeated < self.replays

    @property
    def name(self) -> str:
        """The name of its directory: the difference, and a hash of it with backend and ABI."""
        kind = kind_of(self.difference)
        what = f"{self.backend} {self.abi} {kind}"
        return f"{slug(kind)}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"


KNOWN = -1
"""The batch of a find that somebody else had made."""

ENDS = ("crash", "hang", "refused")
"""How a difference starts where the engine ended."""


def kind_of(difference: str) -> str:
    """What finds are told apart by: how they differ, or that the engine ended and how."""
    kind = difference.split(":")[0]
    return kind if kind in ENDS else difference


def slug(text: str) -> str:
    """The text as the start of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:SLUG_CHARS].strip("-")


def save(find: Find, directory: Path, files: dict[str, str]) -> Path:
    """Write it, with further files, as ``directory/NAME``; one that was there is replaced whole.

    SysletError where it cannot be written.
    """
    fields = {**asdict(find), "stream": to_bytes(find.stream).hex(), "format": FORMAT}
    texts = {FILE: json.dumps(fields, indent=1) + "\n", **files}
    try:
        return _saved(directory, find.name, texts)
    except OSError as error:
        raise SysletError(f"{directory}: {error.strerror}") from None


def _saved(directory: Path, name: str, texts: dict[str, str]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / name
    fresh = Path(tempfile.mkdtemp(prefix=".", dir=directory))
    for file, text in texts.items():
        (fresh / file).write_text(text, encoding="utf-8")
    old = Path(tempfile.mkdtemp(prefix=".", dir=directory))
    if target.exists():
        os.rename(target, old / "old")
    os.rename(fresh, target)
    os.chmod(target, 0o755)
    shutil.rmtree(old)
    return target


class _Version(msgspec.Struct):
    format: int


class _Fields(msgspec.Struct, forbid_unknown_fields=True):
    """``find.json``: the fields of a `Find`, its stream as hexadecimal digits."""

    format: int
    backend: str
    abi: str
    engine: str
    seed: str
    batch: int
    number: int
    difference: str
    stream: str
    shrunk: bool
    repeated: int
    replays: int


def read(path: Path) -> Find:
    """A find's directory, or its ``find.json``. SysletError where it is none."""
    file = path / FILE if path.is_dir() else path
    try:
        with file.open("rb") as opened:
            data = opened.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise SysletError(f"{file}: {error.strerror}") from None
    if len(data) > LIMIT_BYTES:
        raise SysletError(f"{file}: more than {LIMIT_BYTES} bytes: no find")
    try:
        version = msgspec.json.decode(data, type=_Version).format
        if version != FORMAT:
            raise SysletError(f"{file}: format {version}; wanted {FORMAT}")
        fields = msgspec.structs.asdict(msgspec.json.decode(data, type=_Fields))
        del fields["format"]
        return Find(**{**fields, "stream": of_bytes(bytes.fromhex(fields["stream"]))})
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise SysletError(f"{file}: no find: {error}"[:200]) from None
