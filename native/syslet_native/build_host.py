"""Builds the engine host, a program that speaks the engine protocol, when it is first wanted.

`host_path` answers the program for a word size, out of a cache folder where it was built
before; `why_no_host` says quickly what keeps it from being built.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from syslet_layouts import SysletError

HERE = Path(__file__).parent
SOURCE_FOLDERS = ("include", "src", "host")

WORD_FLAGS: dict[str, tuple[str, ...]] = {"lp64": (), "ilp32": ("-m32",)}
"""What a compiler on a 64-bit machine is told for each word size."""

NO_32_BIT = "the C compiler makes no 32-bit programs (package gcc-multilib, or its like)"
CANNOT_RUN = "programs of that word size do not run here"
TRIVIAL = "#include <stdio.h>\nint main(void) { return fflush(stdout); }\n"
BUILD_S = 300
"""How long the compiler may take."""


def compiler() -> list[str]:
    """The words of $CC, or gcc, or cc. SysletError where there is none."""
    given = shlex.split(os.environ.get("CC", ""))
    for words in (given,) if given else (["gcc"], ["cc"]):
        if shutil.which(words[0]):
            return words
    raise SysletError(f"no C compiler: {given[0] if given else 'gcc or cc'} is not there")


def why_no_host(word: str) -> str:
    """Why a host of that word size (``lp64``, ``ilp32``) cannot be had; "" where it can.

    It builds and runs a program of two lines.
    """
    with tempfile.TemporaryDirectory(prefix="syslet-") as folder:
        program = Path(folder) / "trivial"
        source = program.with_suffix(".c")
        source.write_text(TRIVIAL)
        try:
            words = [*compiler(), *WORD_FLAGS[word], "-o", str(program), str(source)]
        except SysletError as error:
            return str(error)
        built = _run(words)
        if built.returncode:
            return NO_32_BIT if word == "ilp32" else f"{words[0]}: {_first_error(built.stderr)}"
        try:
            return "" if _run([str(program)]).returncode == 0 else CANNOT_RUN
        except SysletError:
            return CANNOT_RUN


@functools.cache
def host_path(word: str) -> Path:
    """The host for ``lp64`` or ``ilp32``, built if it was not. SysletError, of one line."""
    from syslet_native.build_engine import CFLAGS

    folders = {name: sorted((HERE / name).glob("*.[ch]")) for name in SOURCE_FOLDERS}
    files = [path for paths in folders.values() for path in paths]
    flags = [*CFLAGS, *WORD_FLAGS[word], f'-DSYSLET_HOST_VERSION="{_version()}"']
    words = [*compiler(), *flags]
    key = hashlib.sha256("\0".join(words).encode())
    for path in files:
        key.update(b"\0%b\0" % path.name.encode() + path.read_bytes())
    folder = _cache_folder()
    host = folder / f"host-{word}-{key.hexdigest()[:20]}"
    if host.exists():
        return host
    sources = [str(path) for path in files if path.suffix == ".c"]
    includes = [f"-I{HERE / name}" for name in SOURCE_FOLDERS]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as build:
            program = Path(build) / "host"
            built = _run([*words, *includes, "-o", str(program), *sources])
            if built.returncode:
                why = why_no_host(word) or f"{words[0]}: {_first_error(built.stderr)}"
                raise SysletError(f"the engine host was not built: {why}")
            program.replace(host)
    except OSError as error:
        raise SysletError(f"the engine host was not built: {folder}: {error.strerror}") from None
    return host


def _version() -> str:
    return version("syslet-conformance")


def _cache_folder() -> Path:
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    except RuntimeError:
        raise SysletError("the engine host was not built: $XDG_CACHE_HOME or $HOME") from None
    return cache / "syslet-native"


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
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
        raise SysletError(f"{words[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise SysletError(f"{words[0]}: not done within {BUILD_S} s") from None


def _first_error(text: str) -> str:
    """The line of a compiler's output that says most."""
    lines = text.strip().splitlines() or ["it failed without a word"]
    return next((line for line in lines if "error" in line or "cannot" in line), lines[0])
