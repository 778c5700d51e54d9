"""The cffi binding of the engine, in API mode: setuptools builds `syslet_native._engine`.

What cffi is told is the public header itself, without its preprocessor lines.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent
SOURCES = sorted((HERE / "src").glob("*.c"))

CFLAGS = [
    "-std=gnu11",
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-fvisibility=hidden",
    "-fno-reorder-blocks-and-partition",
    "-pthread",
]
"""Without -Werror: a compiler newer than ours may warn of more. The tests build with it."""

OF_GCC = ("-fno-reorder-blocks-and-partition",)
"""Those of them that only gcc knows, whose habit of moving what is rare they end."""


def cflags(compiler: Sequence[str]) -> list[str]:
    """`CFLAGS` without those of `OF_GCC` that this compiler refuses."""
    return [flag for flag in CFLAGS if flag not in OF_GCC or _takes(compiler, flag)]


def _takes(compiler: Sequence[str], flag: str) -> bool:
    """Whether it does; a compiler that cannot be run refuses nothing, and is told of later."""
    command = [*compiler, "-Werror", flag, "-x", "c", "-fsyntax-only", os.devnull]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return True


def setup_compiler() -> list[str]:
    """The compiler that setuptools takes."""
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


def declarations(header: str) -> str:
    """The header as cffi takes it: numbers are left to the compiler."""
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", header, flags=re.DOTALL)
    text = re.sub(r"#define (\w+)[ \t]+0x[0-9a-fA-F]+\w*", r"@define \1 ...", text)
    text = re.sub(r"#define (\w+)[ \t]+[0-9]+\b", r"@define \1 ...", text)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return "\n".join(lines).replace("@define", "#define") + "\n"


ffibuilder = FFI()
ffibuilder.cdef(declarations((HERE / "include" / "syslet.h").read_text()))
ffibuilder.cdef(
    """
    #define PROT_NONE ...
    #define PROT_READ ...
    #define PROT_WRITE ...
    #define MAP_PRIVATE ...
    #define MAP_ANONYMOUS ...
    void *mmap(void *, size_t, int, int, int, long);
    int mprotect(void *, size_t, int);
    int munmap(void *, size_t);
    """
)
ffibuilder.set_source(
    "syslet_native._engine",
    '#include <sys/mman.h>\n#include "syslet.h"\n',
    sources=[str(path.relative_to(HERE.parent.parent)) for path in SOURCES],
    include_dirs=[str((HERE / "include").relative_to(HERE.parent.parent))],
    extra_compile_args=cflags(setup_compiler()),
    extra_link_args=["-pthread"],
    optional=True,
)
