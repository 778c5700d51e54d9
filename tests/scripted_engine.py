"""An engine of the protocol that runs nothing, and is wrong in the way that it is told.

``python scripted_engine.py [WRONG]``: it keeps memory, and its exec returns once something is
poked. Each function of `WRONGS` takes the tag and the words of a request, and answers its line,
or None to have it answered rightly.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

BASE = 0x1000
HELLO = "ok 1 scripted 7 ilp32-le build=by-hand lacks=pipe colour=green"

memory = bytearray(1 << 17)
blocked: list[str] = []


def right(tag: str, words: list[str]) -> str | None:
    """The line that a right engine answers, if it does so now."""
    match words:
        case ["hello", "1", "any" | "ilp32-le"]:
            return f"{tag} {HELLO}"
        case ["hello", _, abi]:
            return f"{tag} error ABI {abi} is not spoken"
        case ["map", _]:
            return f"{tag} ok {BASE:#x}"
        case ["peek", address, count]:
            at = int(address, 16) - BASE
            return f"{tag} ok {memory[at : at + int(count)].hex() or '-'}"
        case ["poke", address, data]:
            at, new = int(address, 16) - BASE, bytes.fromhex(data.strip("-"))
            memory[at : at + len(new)] = new
            done = [f"{tag} ok", *(f"{waiting} ok 0x10" for waiting in blocked)]
            blocked.clear()
            return "\n".join(done)
        case ["exec", *_]:
            blocked.append(tag)
            return None
        case ["number", "read"]:
            return f"{tag} ok 3"
        case ["number", "umem_add"]:
            return f"{tag} ok 1000"
        case ["number", _]:
            return f"{tag} ok none"
        case ["bye" | "unmap", *_]:
            return f"{tag} ok"
    return f"{tag} error {words[0]}: no such request"


def _die(tag: str, words: list[str]) -> str | None:  # noqa: ARG001
    if words[0] == "peek":
        print("it is all over", file=sys.stderr, flush=True)
        os._exit(3)
    return None


def _die_in_exec(tag: str, words: list[str]) -> str | None:  # noqa: ARG001
    if words[0] == "exec":
        os.kill(os.getpid(), signal.SIGSEGV)
    return None


def _noise(tag: str, words: list[str]) -> str | None:  # noqa: ARG001
    print("noise " * 20000, file=sys.stderr, flush=True)
    return None


def _never_ends(tag: str, words: list[str]) -> str | None:
    if words[0] == "bye":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(f"{tag} ok", flush=True)
        while True:
            signal.pause()
    return None


def says(verb: str, answer: str) -> Callable[[str, list[str]], str | None]:
    """To one verb it says something else, where TAG is the tag."""
    return lambda tag, words: answer.replace("TAG", tag) if words[0] == verb else None


WRONGS: dict[str, Callable[[str, list[str]], str | None]] = {
    "nothing": lambda tag, words: None,  # noqa: ARG005
    "noise": _noise,
    "dies": _die,
    "dies-in-exec": _die_in_exec,
    "never-ends": _never_ends,
    "silent-at-hello": says("hello", ""),
    "silent-at-peek": says("peek", ""),
    "refuses-map": says("map", "TAG error no room\x1b[31m"),
    "another-tag": says("peek", "1TAG ok 00"),
    "first-tag-again": says("peek", "1 ok 00"),
    "no-tag": says("peek", "Segmentation fault"),
    "neither-ok-nor-error": says("peek", "TAG yes"),
    "endless-line": says("peek", "TAG ok " + "0" * 70000),
    "bytes-that-are-none": says("peek", "TAG ok zz"),
    "too-few-bytes": says("peek", "TAG ok 00"),
    "two-addresses": says("map", "TAG ok 0x10 0x20"),
    "no-address": says("map", "TAG ok nowhere"),
    "word-too-wide": says("exec", "TAG ok 0x100000000"),
    "value-after-poke": says("poke", "TAG ok 1"),
    "another-version": says("hello", "TAG ok 2 scripted 7 ilp32-le"),
    "another-abi": says("hello", "TAG ok 1 scripted 7 lp64-be"),
    "abi-of-no-table": says("hello", "TAG ok 1 scripted 7 vax"),
    "short-hello": says("hello", "TAG ok 1 scripted"),
    "lacks-what-is-none": says("hello", "TAG ok 1 scripted 7 ilp32-le lacks=wings"),
    "two-abis": says("hello", "TAG ok 1 scripted 7 ilp32-le abis=ilp32-le,lp64-le"),
}


def main() -> None:
    wrong = WRONGS[sys.argv[1] if len(sys.argv) > 1 else "nothing"]
    for line in sys.stdin:
        tag, *words = line.split()
        answer = wrong(tag, words)
        if answer is None:
            answer = right(tag, words)
        if answer:
            print(answer, flush=True)
        if words == ["bye"]:
            return


if __name__ == "__main__":
    main()
