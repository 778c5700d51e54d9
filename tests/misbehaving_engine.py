"""The reference over the engine protocol, but that it goes wrong once, in the way it is told.

``python misbehaving_engine.py WRONG MARKER``: at the third exec of a process that finds no file
MARKER it makes one, and does what `WRONGS` says; started again it is right.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from syslet_conformance.backends import backend_named
from syslet_conformance.server import Server

TURN = 3
"""Which exec goes wrong."""


class Misbehaving(Server):
    """It goes wrong once; `wrong` takes the server and the answer that would be right."""

    def __init__(self, wrong: Callable[[Misbehaving, str], None], marker: Path) -> None:
        super().__init__(backend_named("reference"), 0, 1, "ilp32-le")
        self.wrong, self.marker, self.execs, self.due = wrong, marker, 0, False

    def _serve(self, tag: int, line: bytes, words: list[str]) -> bool:
        if words[0] == "exec":
            self.execs += 1
            self.due = self.execs == TURN and not self.marker.exists()
        return super()._serve(tag, line, words)

    def _say(self, tag: int, text: str) -> None:
        if not self.due:
            super()._say(tag, text)
            return
        self.due = False
        self.marker.touch()
        self.wrong(self, f"{tag} {text}\n")


def say(text: str) -> None:
    """Onto the protocol's output, as it is."""
    os.write(1, text.encode())


def _crash(server: Misbehaving, answer: str) -> None:  # noqa: ARG001
    os.kill(os.getpid(), signal.SIGSEGV)


def _exit(server: Misbehaving, answer: str) -> None:  # noqa: ARG001
    print("no more of this", file=sys.stderr, flush=True)
    os._exit(3)


def _half(server: Misbehaving, answer: str) -> None:  # noqa: ARG001
    say(answer[: len(answer) // 2])
    os._exit(0)


def _hang(server: Misbehaving, answer: str) -> None:
    """It has nothing to say."""


def _late(server: Misbehaving, answer: str) -> None:  # noqa: ARG001
    """The harness has given up by then: it closes what the engine reads."""
    while os.read(0, 65536):
        pass
    say(answer)


def _split(server: Misbehaving, answer: str) -> None:  # noqa: ARG001
    for character in answer:
        say(character)


def _noise(server: Misbehaving, answer: str) -> None:  # noqa: ARG001
    print("\x1b[31mnoise\x1b[0m " * 5000, file=sys.stderr, flush=True)
    say(answer)


def _noise_and_rubbish(server: Misbehaving, answer: str) -> None:  # noqa: ARG001
    print("assertion \x1b[31mfailed", file=sys.stderr, flush=True)
    say("oops\n")


WRONGS: dict[str, Callable[[Misbehaving, str], None]] = {
    "crash": _crash,
    "exit": _exit,
    "half-an-answer": _half,
    "hang": _hang,
    "late": _late,
    "split": _split,
    "noise": _noise,
    "noise-and-rubbish": _noise_and_rubbish,
    "another-tag": lambda _, answer: say("9" + answer),
    "answered-twice": lambda _, answer: say(answer + answer),
    "leaks-output": lambda _, answer: say("Hello Syslet World!\n" + answer),
    "leaks-half-a-line": lambda _, answer: say("Hello " + answer),
    "no-number": lambda _, answer: say(answer.partition(" ")[0] + " ok perhaps\n"),
    "error": lambda _, answer: say(answer.partition(" ")[0] + " error out of order\n"),
    "a-megabyte": lambda _, answer: say(answer.rstrip("\n") + "0" * (1 << 20) + "\n"),
}


def main() -> None:
    Misbehaving(WRONGS[sys.argv[1]], Path(sys.argv[2])).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
