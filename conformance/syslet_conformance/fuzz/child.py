"""The process in which streams are played: it confines itself, and takes orders.

An engine in this process is opened before that, since what it does then is its author's; one in a
program of its own is started confined.

Orders and answers are JSON lines on standard input and output. What is being played stands in a
file that the parent maps too: so it knows the stream on which a child died or hangs.
"""

from __future__ import annotations

import faulthandler
import fcntl
import json
import mmap
import os
import shlex
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from syslet_conformance.backends import backend_named, command_words
from syslet_conformance.calls import Hang
from syslet_conformance.fuzz import batch
from syslet_conformance.fuzz.ground import asked
from syslet_conformance.fuzz.judge import Judge, Judgement
from syslet_conformance.fuzz.limits import die_with_parent
from syslet_conformance.fuzz.sandbox import confine
from syslet_conformance.fuzz.stream import MOST_STREAM_BYTES, of_bytes
from syslet_conformance.fuzz.telling import given, wanted
from syslet_layouts import SysletError, abi_named

NOW_BYTES = 16 + MOST_STREAM_BYTES
"""The size of the file of what is being played."""

CPU_S = 1 << 20
"""A child plays for hours."""

STACKS_SIGNAL = signal.SIGUSR1
"""On this a child says on standard error where its threads are."""

PRIVATE_FD = 500
"""From there on, below the limit of descriptors, are those of orders and answers."""

IN_A_PROGRAM = ("exec", "lib", "native32")
"""Kinds of backends whose engine runs in a program of its own."""


class Now:
    """What is being played: a count of streams, the number in its batch, and its bytes."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), NOW_BYTES)

    def set(self, number: int, stream: bytes) -> None:
        """Another stream is being played."""
        played = int.from_bytes(self._map[:8], "little") + 1
        head = played.to_bytes(8, "little") + number.to_bytes(4, "little")
        self._map[: 16 + len(stream)] = head + len(stream).to_bytes(4, "little") + stream

    def get(self) -> tuple[int, int, bytes]:
        """The count, the number in the batch, and the bytes."""
        data = self._map
        size = int.from_bytes(data[12:16], "little")
        played, number = int.from_bytes(data[:8], "little"), int.from_bytes(data[8:12], "little")
        return played, number, data[16 : 16 + min(size, MOST_STREAM_BYTES)]


class Child:
    """A judge, and the answers to orders."""

    def __init__(self, judge: Judge, now: Now) -> None:
        self.judge, self.now = judge, now
        self.corpus: list[bytes] = []

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        """What came of an order: ``corpus``, ``batch``, ``judge``, ``open``, ``want``, ``give``."""
        match order["do"]:
            case "corpus":
                self.corpus = [bytes.fromhex(stream) for stream in order["streams"]]
                return {}
            case "batch":
                return self._batch(order)
            case "judge":
                stream = bytes.fromhex(order["stream"])
                return self._judge(stream, order["times"], until=order["until"])
            case "open":
                return {"why": self.judge.left_open(of_bytes(bytes.fromhex(order["stream"])))}
            case "want":
                return wanted(self.judge, of_bytes(bytes.fromhex(order["stream"])))
            case _:
                stream = bytes.fromhex(order["stream"])
                self.now.set(0, stream)
                return given(self.judge, of_bytes(stream))

    def _batch(self, order: dict[str, Any]) -> dict[str, Any]:
        result = batch.run(
            self.judge,
            order["seed"],
            order["batch"],
            self.corpus,
            start=order["start"],
            streams=order["streams"],
            before=self.now.set,
        )
        return {
            "played": result.played,
            "judgements": result.judgements,
            "features": result.features,
            "finds": [(f.number, f.stream.hex(), f.difference) for f in result.finds],
            "fresh": [stream.hex() for stream in result.fresh],
        }

    def _judge(self, stream: bytes, times: int, until: str) -> dict[str, Any]:
        """Judge one stream so often, or until it differs so: how often each difference."""
        differences: Counter[str] = Counter()
        for number in range(times):
            self.now.set(number, stream)
            judged = self.judge.judge(of_bytes(stream))
            if judged.judgement is Judgement.FIND:
                differences[judged.difference] += 1
                if judged.difference == until:
                    break
            elif judged.judgement is Judgement.UNJUDGED:
                break
        return {"differences": differences}


def _out_of_the_way() -> tuple[TextIO, TextIO]:
    """Orders and answers on descriptors that streams do not count to; a syslet that reads 0 finds
    nothing, and one that writes 1 is heard on standard error.
    """
    ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, PRIVATE_FD) for fd in (0, 1)]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(ends[0]), os.fdopen(ends[1], "w")


def from_anywhere(backend: str) -> str:
    """The backend; the files that its command names from here, named from anywhere. SysletError."""
    kind, colon, target = backend.partition(":")
    if kind != "exec" or not colon:
        return backend
    words = command_words(target)
    for number, word in enumerate(words):
        file = Path(word)
        if (os.sep in word and file.exists()) or (number and file.is_file()):
            words[number] = str(Path.cwd() / file)
    return f"exec:{shlex.join(words)}"


def main(
    backend: str, abi: str, now: str, directory: str, sandboxed: str, parent: str, unasked: str
) -> None:
    """Serve until standard input ends, or the thread that started this process."""
    orders, answers = _out_of_the_way()
    faulthandler.enable()
    faulthandler.register(STACKS_SIGNAL)
    map_of_now = Now(Path(now))
    in_process = backend.split(":")[0] not in IN_A_PROGRAM
    said = ""
    try:
        die_with_parent(int(parent))
        kind = backend_named(from_anywhere(backend), [abi])
        engine = kind.open(abi_named(abi)) if in_process else None
        if sandboxed == "yes":
            said = str(confine(Path(directory), programs=not in_process, cpu_s=CPU_S))
            tempfile.tempdir = "."
        engine = engine or kind.open(abi_named(abi))
        ground = asked(
            engine,
            unasked=unasked.split(","),
            before=lambda question: map_of_now.set(0, question.encode()),
        )
        map_of_now.set(0, b"")
        judge = Judge(engine, ground)
    except Hang as hang:
        print(json.dumps({"hang": str(hang)}), file=answers, flush=True)
        os._exit(0)
    except SysletError as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return
    child = Child(judge, map_of_now)
    described = judge.subject.engine.describe()
    ready = {"name": described.name, "version": described.version, "sandbox": said}
    print(json.dumps(ready), file=answers, flush=True)
    for line in orders:
        try:
            answer = child.answer(json.loads(line))
        except Hang as hang:
            faulthandler.dump_traceback()
            answer = {"hang": str(hang)}
        except SysletError as error:
            answer = {"died": str(error)}
        print(json.dumps(answer), file=answers, flush=True)
        if answer.keys() & {"hang", "died"}:
            os._exit(0)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
