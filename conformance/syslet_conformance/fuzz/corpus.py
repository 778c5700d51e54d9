"""The corpus: streams that reached something new, one a file named by its hash, and how far a hunt
came. Each file is there whole or not at all, so that a hunt that is killed leaves it valid."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec

from syslet_conformance.command_files import write_file
from syslet_conformance.fuzz.stream import MOST_STREAM_BYTES
from syslet_layouts import SysletError

STATE = "state.json"
FORMAT = 1

Count = Annotated[int, msgspec.Meta(ge=0)]

MOST_STREAMS = 4096
"""So many streams of a corpus are taken up, those with the first names."""


@dataclass(slots=True)
class State:
    """How far a hunt came: the next batch of its seed, and what was counted."""

    backend: str
    abi: str
    seed: str
    next_batch: int = 0
    streams: int = 0
    judgements: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)

    def is_of(self, other: State) -> bool:
        """Whether both are of one hunt."""
        return (self.backend, self.abi, self.seed) == (other.backend, other.abi, other.seed)


def name_of(stream: bytes) -> str:
    """The name of a stream's file."""
    return hashlib.sha256(stream).hexdigest()[:40]


class Corpus:
    """A directory of streams. SysletError where it is none and cannot become one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SysletError(f"{directory}: {error.strerror}") from None

    def streams(self) -> tuple[list[bytes], list[str]]:
        """The streams by name, and a line for each file that is none; those are left alone."""
        found: list[bytes] = []
        wrong: list[str] = []
        for path in sorted(self.directory.iterdir()):
            if path.name == STATE or path.name.startswith("."):
                continue
            why = ""
            try:
                with path.open("rb") as file:
                    data = file.read(MOST_STREAM_BYTES + 1)
            except OSError as error:
                why = error.strerror or "not readable"
            else:
                if not data or len(data) > MOST_STREAM_BYTES:
                    why = f"{'no' if not data else 'too many'} bytes"
                elif len(path.name) == 40 and path.name != name_of(data) and _is_hex(path.name):
                    # 40 hex digits: ours, or of libFuzzer, which names by SHA-1
                    digest = hashlib.sha1(data, usedforsecurity=False).hexdigest()
                    why = "" if digest == path.name else "other bytes than its name says"
            if why:
                wrong.append(f"{path}: {why}: not a stream")
            elif len(found) < MOST_STREAMS:
                found.append(data)
        return found, wrong

    def add(self, stream: bytes) -> None:
        """Keep a stream. SysletError where it cannot be written."""
        path = self.directory / name_of(stream)
        if not path.exists():
            write_file(path, stream)

    def state(self, start: State) -> tuple[State, str]:
        """How far the hunt `start` came, and a line where the file is of no use."""
        path = self.directory / STATE
        try:
            data = path.read_bytes()
            version = msgspec.json.decode(data, type=_Version).format
            if version != FORMAT:
                return start, f"{path}: format {version}; wanted {FORMAT}: the hunt starts anew"
            kept = msgspec.json.decode(data, type=_Kept).state()
        except FileNotFoundError:
            return start, ""
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            return start, f"{path}: {error}: the hunt starts anew"
        return (kept, "") if kept.is_of(start) else (start, "")

    def keep_state(self, state: State) -> None:
        """Keep how far it came. SysletError where it cannot be written."""
        kept = {name: getattr(state, name) for name in State.__slots__}
        data = json.dumps({**kept, "format": FORMAT}, indent=1).encode()
        write_file(self.directory / STATE, data)


class _Version(msgspec.Struct):
    format: int


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """``state.json``: the fields of a `State`."""

    format: int
    backend: str
    abi: str
    seed: str
    next_batch: Count
    streams: Count
    judgements: dict[str, Count]
    features: dict[str, Count]

    def state(self) -> State:
        """The state that it holds."""
        counts = Counter(self.judgements), Counter(self.features)
        return State(self.backend, self.abi, self.seed, self.next_batch, self.streams, *counts)


def _is_hex(name: str) -> bool:
    return set(name) <= set("0123456789abcdef")
