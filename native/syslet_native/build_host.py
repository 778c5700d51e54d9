"""Builds the engine host, a program that speaks the engine protocol for a shared library.

`host_path` answers the program for a word size, `engine_path` this package's own engine as such
a library, both out of a cache folder where they were built before; `engine_of` does so for
other sources.
``python -m syslet_native.build_host -o PROGRAM`` builds the host with $CC, for another machine
too; with ``--include`` it says where ``syslet.h`` is.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from syslet_layouts import SysletError
from syslet_native.c_compiler import WORD_FLAGS, BuildFailed, compile_c, compiler, why_not

HERE = Path(__file__).parent
HOST_FOLDERS = ("include", "host")
ENGINE_FOLDERS = ("include", "src")
LIBRARY_FLAGS = ("-fPIC", "-shared")
HOST_LIBRARIES = ("-ldl",)
NOT_BUILT = "the engine host was not built"


@functools.cache
def host_path(word: str) -> Path:
    """The host for ``lp64`` or ``ilp32``, built if it was not. SysletError, of one line."""
    return _built(HERE, "host", word, HOST_FOLDERS, (), HOST_LIBRARIES)


@functools.cache
def engine_path(word: str) -> Path:
    """The native engine as a library for ``lp64`` or ``ilp32``, likewise."""
    return engine_of(HERE, word)


def engine_of(root: Path, word: str) -> Path:
    """The same for sources that lie in `root`, in folders as ours."""
    named = (f'-DSYSLET_VERSION="{version("syslet-conformance")}"',)
    return _built(root, "engine", word, ENGINE_FOLDERS, (*LIBRARY_FLAGS, *named), ())


def build(output: Path) -> None:
    """Build the host with the compiler's own word size, or another machine's compiler in $CC.

    BuildFailed where it cannot be.
    """
    words = _compiler_and_flags()
    compile_c(_command(HERE, words, HOST_FOLDERS, HOST_LIBRARIES, output))


def _built(
    root: Path,
    what: str,
    word: str,
    folders: Sequence[str],
    more: Sequence[str],
    libraries: Sequence[str],
) -> Path:
    words = [*_compiler_and_flags(), *WORD_FLAGS[word], *more]
    key = hashlib.sha256("\0".join(words).encode())
    for path in _files(root, folders, "*.[ch]"):
        key.update(b"\0%b\0" % path.name.encode() + path.read_bytes())
    folder = _cache_folder()
    made = folder / f"{what}-{word}-{key.hexdigest()[:20]}"
    if made.exists():
        return made
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as build_folder:
            output = Path(build_folder) / what
            try:
                compile_c(_command(root, words, folders, libraries, output))
            except BuildFailed as failure:
                raise SysletError(f"{NOT_BUILT}: {why_not(word) or failure}") from None
            output.replace(made)
    except OSError as error:
        raise SysletError(f"{NOT_BUILT}: {folder}: {error.strerror}") from None
    return made


def _compiler_and_flags() -> list[str]:
    from syslet_native.build_engine import cflags

    words = compiler()
    return [*words, *cflags(words)]


def _files(root: Path, folders: Sequence[str], pattern: str) -> list[Path]:
    return [path for name in folders for path in sorted((root / name).glob(pattern))]


def _command(
    root: Path,
    words: Sequence[str],
    folders: Sequence[str],
    libraries: Sequence[str],
    output: Path,
) -> list[str]:
    includes = [f"-I{root / name}" for name in folders]
    sources = [str(path) for path in _files(root, folders, "*.c")]
    return [*words, *includes, "-o", str(output), *sources, *libraries]


def _cache_folder() -> Path:
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    except RuntimeError:
        raise SysletError(f"{NOT_BUILT}: $XDG_CACHE_HOME or $HOME") from None
    return cache / "syslet-native"


def main(words: Sequence[str] | None = None) -> int:
    """0; 1 where it cannot be built."""
    parser = argparse.ArgumentParser(
        prog="python -m syslet_native.build_host",
        description="Build the engine host with the C compiler ($CC, or cc).",
    )
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("-o", dest="output", type=Path, metavar="PROGRAM")
    wanted.add_argument("--include", action="store_true", help="print the folder of syslet.h")
    options = parser.parse_args(words)
    if options.include:
        print(HERE / "include")
        return 0
    try:
        build(options.output)
    except BuildFailed as failure:
        print(f"build_host: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
