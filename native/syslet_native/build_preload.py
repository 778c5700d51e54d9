"""Builds the preload library, which puts the engine behind libc's ``syscall()``.

``python -m syslet_native.build_preload -o FOLDER [--m32]`` writes ``libsyslet-preload.so``, or
``libsyslet-preload32.so`` with ``--m32``, and prints where it is.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from syslet_layouts import SysletError
from syslet_native.build_engine import CFLAGS, HERE, SOURCES

PRELOAD = HERE / "preload"
EXPORTS = PRELOAD / "exports.map"
COMPILERS = ("cc", "gcc", "clang")

LIBRARY_NAMES = {False: "libsyslet-preload.so", True: "libsyslet-preload32.so"}
"""By whether it is for 32-bit programs."""

PROBE = "#include <errno.h>\n#include <pthread.h>\nint *probe(void) { return &errno; }\n"


class BuildFailed(SysletError):  # noqa: N818 - as the compiler says it
    """The library could not be built; the message says why, on one line."""


def compiler() -> list[str]:
    """The words that start the C compiler: $CC, or the first of `COMPILERS` there is.

    BuildFailed where there is none.
    """
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


def build(folder: Path, *, m32: bool = False, extra_flags: Sequence[str] = ()) -> Path:
    """Build into the folder, which is made where it is not there; returns the library's path.

    `extra_flags` go to the compiler after ours. BuildFailed where anything is wanting.
    """
    preload = sorted(PRELOAD.glob("*.c"))
    if not (SOURCES and preload and EXPORTS.exists()):
        raise BuildFailed(f"no C sources in {HERE}: the package was installed without them")
    command = [*compiler(), *(["-m32"] if m32 else []), "-fPIC", "-shared", "-pthread"]
    _probe(command, m32)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildFailed(f"{folder}: {error.strerror}") from None
    library = folder / LIBRARY_NAMES[m32]
    sources = [str(path) for path in (*SOURCES, *preload)]
    includes = [f"-I{HERE / name}" for name in ("include", "src")]
    linker = ["-Wl,-z,defs", f"-Wl,--version-script={EXPORTS}", f"-Wl,-soname,{library.name}"]
    flags = [*CFLAGS, *extra_flags, *includes, *linker]
    _run([*command, *flags, *sources, "-o", str(library)])
    return library


def _probe(command: Sequence[str], m32: bool) -> None:
    """See whether the compiler builds anything at all for this word size."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.c"
        source.write_text(PROBE)
        try:
            _run([*command, str(source), "-o", str(Path(folder) / "probe.so")])
        except BuildFailed as failure:
            if not m32:
                raise
            message = f"no 32-bit libraries: install the package gcc-multilib ({failure})"
            raise BuildFailed(message) from None


def _run(command: Sequence[str]) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildFailed(f"{command[0]}: {error.strerror}") from None
    if ran.returncode:
        lines = ran.stderr.splitlines() or [f"exit status {ran.returncode}"]
        said = next((line for line in lines if "error" in line), lines[0])
        raise BuildFailed(f"{command[0]}: {said.strip()}")


def main(words: Sequence[str] | None = None) -> int:
    """0; 1 where it cannot be built."""
    parser = argparse.ArgumentParser(
        prog="python -m syslet_native.build_preload",
        description="Build the preload library with the C compiler ($CC, or cc).",
    )
    parser.add_argument("-o", dest="folder", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--m32", action="store_true", help="for 32-bit programs")
    options = parser.parse_args(words)
    try:
        print(build(options.folder, m32=options.m32))
    except BuildFailed as failure:
        print(f"build_preload: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
