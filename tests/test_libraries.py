"""``lib:PATH``: a shared library is an engine once it exports what ``syslet.h`` declares."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from syslet_conformance.backends import backend_named
from syslet_conformance.contract import Engine, EngineDied
from syslet_layouts import SysletError, abi_named
from syslet_native import why_not_available
from syslet_native.build_engine import cflags
from syslet_native.build_host import HERE as NATIVE
from syslet_native.build_host import engine_path, main
from syslet_native.c_compiler import BuildFailed, compile_c, compiler, why_not

try:
    COMPILER = compiler()
except BuildFailed as failure:
    pytest.skip(str(failure), allow_module_level=True)

WHY_NO_32_BIT = why_not("ilp32")

ENGINE = """
#include <stdlib.h>
#include <string.h>
#include "syslet.h"

const unsigned int syslet_abi_version = SYSLET_ABI_VERSION;

struct syslet_uatom *sys_async_exec(struct syslet_uatom *atom, struct async_head_user *head)
{
	(void)head;
	if (!atom)
		abort();
	return atom;
}

long sys_async_wait(unsigned long min_events, unsigned long idx, struct async_head_user *head)
{
	return (long)(min_events + idx) + !head;
}

long syslet_number(const char *name)
{
	return strcmp(name, "read") ? -2 : 7;
}

size_t syslet_describe(char *text, size_t size)
{
	static const char said[] = "tiny 0.3 lacks=threads colour=green";

	strncpy(text, said, size);
	return strlen(said);
}
"""
"""It runs nothing, and says so: what its calls return shows that they were reached."""


def build(folder: Path, source: str, *flags: str) -> Path:
    """The source as a shared library."""
    file, library = folder / "engine.c", folder / "libengine.so"
    file.write_text(source)
    include = f"-I{NATIVE / 'include'}"
    words = [*COMPILER, *cflags(COMPILER), "-Werror", include, "-fPIC", "-shared", *flags]
    compile_c([*words, "-o", str(library), str(file)])
    return library


def opened(library: Path) -> Engine:
    backend = backend_named(f"lib:{library}")
    return backend.open(abi_named(backend.abis[0]))


def test_what_the_library_exports_is_what_answers(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, ENGINE))
    said = engine.describe()
    assert (said.name, said.version, said.lacks) == ("tiny", "0.3", frozenset(["threads"]))
    assert said.details == {"colour": "green"}
    assert engine.abi.name == ("lp64" if struct.calcsize("P") == 8 else "ilp32") + (
        "-le" if sys.byteorder == "little" else "-be"
    )
    assert (engine.syscall_number("read"), engine.syscall_number("write")) == (7, None)
    assert engine.exec(0x1230, 0) == 0x1230
    assert engine.wait(40, 1, 0) == 42
    engine.close()


@pytest.mark.skipif(bool(WHY_NO_32_BIT), reason=WHY_NO_32_BIT)
def test_a_library_for_32_bit_words_has_the_host_of_its_words(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, ENGINE, "-m32"))
    assert engine.abi.name == "ilp32-le"
    assert engine.exec(0x1230, 0) == 0x1230
    engine.close()


def test_a_library_that_crashes_takes_its_host_alone(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, ENGINE))
    with pytest.raises(EngineDied, match="signal SIGABRT"):
        engine.exec(0, 0)
    engine.close()


def without(name: str) -> str:
    """The engine with `name` called otherwise."""
    return ENGINE.replace(f"{name}(", f"{name}_(").replace(f" {name} =", f" {name}_ =")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (without("syslet_abi_version"), "it exports no syslet_abi_version"),
        (
            ENGINE.replace("= SYSLET_ABI_VERSION", "= 3"),
            "its syslet_abi_version is 3, wanted 1",
        ),
        (
            without("sys_async_wait").replace("syslet_number(", "number_of("),
            "it exports no sys_async_wait, syslet_number",
        ),
        (without("syslet_describe"), "it exports no syslet_describe"),
        (ENGINE.replace("lacks=threads", "lacks=wings"), "wanted lacks= out of pipe, threads"),
        (ENGINE.replace("tiny 0.3 lacks=threads colour=green", "tiny"),
         "wanted VERSION NAME ENGINE_VERSION ABI"),
        (ENGINE + "int syslet_start(const struct syslet_options *o) { return o ? 0 : -16; }\n",
         "syslet_start: Device or resource busy"),
    ],
    ids=["no-version", "version-3", "two-missing", "no-description", "lacks-wings", "no-name",
         "start-fails"],
)  # fmt: skip
def test_what_is_wrong_with_a_library_is_named(tmp_path: Path, source: str, said: str) -> None:
    library = build(tmp_path, source)
    with pytest.raises(SysletError) as error:
        backend_named(f"lib:{library}")
    assert str(error.value).startswith(f"lib:{library}: hello: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def elf(word: int, order: int, machine: int) -> bytes:
    """The start of an ELF file."""
    machine_bytes = struct.pack("<H" if order == 1 else ">H", machine)
    return b"\x7fELF" + bytes([word, order, 1]) + bytes(11) + machine_bytes + bytes(44)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "No such file or directory"),
        (b"", "wanted a shared library (ELF)"),
        (b"#!/bin/sh\nexit 0\n" * 9, "wanted a shared library (ELF)"),
        (elf(1, 2, 20), "it is built for powerpc, ilp32, big endian; wanted "),
        (elf(2, 2, 22), "it is built for s390x, lp64, big endian; wanted "),
        (elf(2, 1, 999), "it is built for machine 999, lp64, little endian; wanted "),
        (elf(7, 1, 62), "its ELF header is of no known class"),
    ],
)
def test_a_file_that_cannot_be_loaded_here(tmp_path: Path, data: bytes | None, said: str) -> None:
    path = tmp_path / "libother.so"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SysletError) as error:
        backend_named(f"lib:{path}")
    assert str(error.value).startswith(f"backend lib:{path}: {path}: ")
    assert said in str(error.value)


def test_a_library_has_a_path() -> None:
    with pytest.raises(SysletError, match="backend lib:: wanted lib:PATH"):
        backend_named("lib:")


@pytest.mark.skipif(bool(why_not_available()), reason=why_not_available())
def test_the_native_engine_is_such_a_library() -> None:
    from syslet_native._engine import lib
    from syslet_native.engine import MEANS

    engine = opened(engine_path("lp64" if struct.calcsize("P") == 8 else "ilp32"))
    said = engine.describe()
    assert said.name == "native"
    assert set(said.details["means"].split(",")) <= {*MEANS, "workers"}
    assert len(MEANS) == bin(lib.SYSLET_MEANS_ALL).count("1")
    engine.close()


def test_the_host_is_built_where_it_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = tmp_path / "host"
    assert main(["-o", str(host)]) == 0
    library = build(tmp_path, ENGINE)
    engine = backend_named(f"exec:{host} {library}").open(abi_named("lp64-le"))
    assert engine.describe().name == "tiny"
    engine.close()
    assert main(["--include"]) == 0
    assert (Path(capsys.readouterr().out.strip()) / "syslet.h").exists()
    monkeypatch.setenv("CC", "nonesuch-cc")
    assert main(["-o", str(host)]) == 1
    assert capsys.readouterr().err == "build_host: no C compiler: CC=nonesuch-cc is not on PATH\n"
