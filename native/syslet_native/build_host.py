"""Builds the engine host, a program that speaks the engine protocol, when it is first wanted.

`host_path` answers the program for a word size, out of a cache folder where it was built
before.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

from syslet_layouts import SysletError
from syslet_native.c_compiler import WORD_FLAGS, BuildFailed, compile_c, compiler, why_not

HERE = Path(__file__).parent
SOURCE_FOLDERS = ("include", "src", "host")


@functools.cache
def host_path(word: str) -> Path:
    """The host for ``lp64`` or ``ilp32``, built if it was not. SysletError, of one line."""
    from syslet_native.build_engine import CFLAGS

    folders = {name: sorted((HERE / name).glob("*.[ch]")) for name in SOURCE_FOLDERS}
    files = [path for paths in folders.values() for path in paths]
    flags = [*CFLAGS, *WORD_FLAGS[word], f'-DSYSLET_HOST_VERSION="{version("syslet-conformance")}"']
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
            try:
                compile_c([*words, *includes, "-o", str(program), *sources])
            except BuildFailed as failure:
                why = why_not(word) or str(failure)
                raise SysletError(f"the engine host was not built: {why}") from None
            program.replace(host)
    except OSError as error:
        raise SysletError(f"the engine host was not built: {folder}: {error.strerror}") from None
    return host


def _cache_folder() -> Path:
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    except RuntimeError:
        raise SysletError("the engine host was not built: $XDG_CACHE_HOME or $HOME") from None
    return cache / "syslet-native"
