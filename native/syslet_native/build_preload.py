"""Builds the preload library, which puts the engine behind libc's ``syscall()``.

``python -m syslet_native.build_preload -o FOLDER [--m32]`` writes ``libsyslet-preload.so``, or
``libsyslet-preload32.so`` with ``--m32``, and prints where it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from syslet_native.build_engine import HERE, SOURCES, cflags
from syslet_native.c_compiler import WORD_FLAGS, BuildFailed, compile_c, compiler, why_not

PRELOAD = HERE / "preload"
EXPORTS = PRELOAD / "exports.map"

LIBRARY_NAMES = {False: "libsyslet-preload.so", True: "libsyslet-preload32.so"}
"""By whether it is for 32-bit programs."""


def build(folder: Path, *, m32: bool = False, extra_flags: Sequence[str] = ()) -> Path:
    """Build into the folder, which is made where it is not there; returns the library's path.

    `extra_flags` go to the compiler after ours. BuildFailed where anything is wanting.
    """
    preload = sorted(PRELOAD.glob("*.c"))
    if not (SOURCES and preload and EXPORTS.exists()):
        raise BuildFailed(f"no C sources in {HERE}: the package was installed without them")
    word = "ilp32" if m32 else "lp64"
    words = compiler()
    command = [*words, *WORD_FLAGS[word], "-fPIC", "-shared", "-pthread"]
    if reason := why_not(word, runs=False):
        raise BuildFailed(reason)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildFailed(f"{folder}: {error.strerror}") from None
    library = folder / LIBRARY_NAMES[m32]
    sources = [str(path) for path in (*SOURCES, *preload)]
    includes = [f"-I{HERE / name}" for name in ("include", "src")]
    linker = ["-Wl,-z,defs", f"-Wl,--version-script={EXPORTS}", f"-Wl,-soname,{library.name}"]
    flags = [*cflags(words), *extra_flags, *includes, *linker]
    compile_c([*command, *flags, *sources, "-o", str(library)])
    return library


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
