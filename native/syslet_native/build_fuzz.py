"""Builds the native engine's fuzz target, with clang, its libFuzzer and its sanitizers.

``python -m syslet_native.build_fuzz -o PROGRAM`` builds the target.
`build_show` builds what shows how the target decodes streams, with any compiler.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from syslet_native.build_engine import HERE as ENGINE
from syslet_native.build_engine import cflags
from syslet_native.c_compiler import WORD_FLAGS, BuildFailed, compile_c, compiler

FUZZ = ENGINE / "fuzz"
WARNINGS = ("-Wconversion", "-Werror")
SHOW = ("decode.c", "image.c", "show.c")
OF_TARGET = (
    "decode.c",
    "image.c",
    "confine.c",
    "callers.c",
    "pipes.c",
    "play.c",
    "finish.c",
    "rules.c",
    "target.c",
)
SANITIZERS = ("-O1", "-fno-omit-frame-pointer", "-fsanitize=fuzzer,address,undefined")
NO_CLANG = "no clang: libFuzzer comes with that compiler (package clang, or its like)"
NO_LIBFUZZER = "clang has no libFuzzer (package libclang-rt-dev, or its like)"
TRIVIAL = "int LLVMFuzzerTestOneInput(void);\nint LLVMFuzzerTestOneInput(void) { return 0; }\n"


def clang() -> list[str]:
    """The compiler's words. BuildFailed where it, or what comes with it, is not there."""
    found = shutil.which("clang")
    if not found:
        raise BuildFailed(NO_CLANG)
    with tempfile.TemporaryDirectory(prefix="syslet-") as folder:
        source = Path(folder) / "trivial.c"
        source.write_text(TRIVIAL)
        try:
            compile_c([found, *SANITIZERS, str(source), "-o", str(source.with_suffix(""))])
        except BuildFailed:
            raise BuildFailed(NO_LIBFUZZER) from None
    return [found]


def build_target(output: Path, engine: Path = ENGINE) -> None:
    """Build the target of the engine whose folders lie in `engine`. BuildFailed, of one line."""
    sources = [*sorted((engine / "src").glob("*.c")), *(FUZZ / name for name in OF_TARGET)]
    includes = (FUZZ, engine / "include", engine / "src")
    flags = [*SANITIZERS, "-fno-sanitize-recover=all", "-DSYSLET_CONFINED"]
    _compile(clang(), flags, includes, sources, output)


def build_show(output: Path, word: str = "lp64") -> None:
    """Build the program that shows what streams are decoded to. BuildFailed, of one line."""
    sources = [FUZZ / name for name in SHOW]
    _compile(compiler(), WORD_FLAGS[word], (FUZZ, ENGINE / "include"), sources, output)


def _compile(
    words: Sequence[str],
    flags: Sequence[str],
    folders: Sequence[Path],
    sources: Sequence[Path],
    output: Path,
) -> None:
    includes = [f"-I{folder}" for folder in folders]
    files = [str(path) for path in sources]
    compile_c([*words, *cflags(words), *WARNINGS, *flags, *includes, *files, "-o", str(output)])


def main(words: Sequence[str] | None = None) -> int:
    """0; 1 where it cannot be built."""
    parser = argparse.ArgumentParser(
        prog="python -m syslet_native.build_fuzz",
        description="Build the native engine's fuzz target (with clang).",
    )
    parser.add_argument("-o", dest="output", type=Path, required=True, metavar="PROGRAM")
    options = parser.parse_args(words)
    try:
        build_target(options.output)
    except BuildFailed as failure:
        print(f"build_fuzz: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
