"""The C compiler, for what is built after the installation: the host, the preload library."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from syslet_layouts import SysletError

COMPILERS = ("cc", "gcc", "clang")
"""What is looked for where $CC names none."""

WORD_FLAGS: dict[str, tuple[str, ...]] = {"lp64": (), "ilp32": ("-m32",)}
"""What a compiler on a 64-bit machine is told for each word size."""

NO_32_BIT = "the C compiler makes no 32-bit programs (package gcc-multilib, or its like)"
CANNOT_RUN = "programs of that word size do not run here"
TRIVIAL = "#include <stdio.h>\nint main(void) { return fflush(stdout); }\n"
BUILD_S = 300
"""How long the compiler may take."""


class BuildFailed(SysletError):  # noqa: N818 - as the compiler says it
    """Something could not be built; the message says why, on one line."""


def compiler() -> list[str]:
    """The words of $CC, or the first of `COMPILERS`. BuildFailed where there is none."""
    try:
        words = shlex.split(os.environ.get("CC", ""))
    except ValueError as error:
        raise BuildFailed(f"CC={os.environ['CC']!r}: {error}") from None
    if words and not shutil.which(words[0]):
        raise BuildFailed(f"no C compiler: CC={words[0]} is not on PATH")
    found = words or [path for name in COMPILERS if (path := shutil.which(name))][:1]
    if not found:
        raise BuildFailed(f"no C compiler: none of {', '.join(COMPILERS)} is on PATH; set CC")
    return found


def why_not(word: str, *, runs: bool = True) -> str:
    """Why no program of that word size (``lp64``, ``ilp32``) can be had; "" where it can.

    It builds a program of two lines, and runs it where that is wanted.
    """
    with tempfile.TemporaryDirectory(prefix="syslet-") as folder:
        program = Path(folder) / "trivial"
        source = program.with_suffix(".c")
        source.write_text(TRIVIAL)
        try:
            words = [*compiler(), *WORD_FLAGS[word], "-o", str(program), str(source)]
        except BuildFailed as failure:
            return str(failure)
        try:
            compile_c(words)
        except BuildFailed as failure:
            return NO_32_BIT if word == "ilp32" else str(failure)
        if not runs:
            return ""
        try:
            return "" if _run([str(program)]).returncode == 0 else CANNOT_RUN
        except BuildFailed:
            return CANNOT_RUN


def compile_c(words: Sequence[str]) -> None:
    """Run the compiler. BuildFailed with the line of its output that says most."""
    built = _run(words)
    if built.returncode:
        lines = built.stderr.strip().splitlines() or [f"exit status {built.returncode}"]
        said = next((line for line in lines if "error" in line or "cannot" in line), lines[0])
        raise BuildFailed(f"{words[0]}: {said.strip()}")


def _run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
            timeout=BUILD_S,
        )
    except OSError as error:
        raise BuildFailed(f"{words[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BuildFailed(f"{words[0]}: not done within {BUILD_S} s") from None
