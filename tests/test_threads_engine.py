"""The example engine in fixtures/engines/threads: built for four machines, and judged on each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from syslet_native.build_host import HERE as NATIVE
from syslet_native.c_compiler import TRIVIAL, BuildFailed, compile_c, compiler, why_not

FOLDER = Path(__file__).parent.parent / "fixtures" / "engines" / "threads"
PROGRAMS = Path(__file__).parent / "threads"
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
LIMIT_S = 360

EXPORTS = {
    "sys_async_exec",
    "sys_async_wait",
    "syslet_abi_version",
    "syslet_describe",
    "syslet_number",
    "umem_add",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What builds programs for it, what runs them here, and the Debian packages with both."""

    compiler: tuple[str, ...]
    emulator: tuple[str, ...] = ()
    abi: str = ""
    packages: str = ""

    def why_not(self) -> str:
        """What is missing here; "" where nothing is."""
        if shutil.which("make") is None:
            return "no make (package make)"
        if not self.emulator:
            return why_not("ilp32" if "-m32" in self.compiler else "lp64")
        tools = (self.compiler[0], self.emulator[0])
        missing = [tool for tool in tools if shutil.which(tool) is None]
        if missing:
            return f"no {', no '.join(missing)} (packages {self.packages})"
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "trivial.c"
            source.write_text(TRIVIAL)
            program = str(source.with_suffix(""))
            try:
                compile_c([*self.compiler, "-o", program, str(source)])
            except BuildFailed as failure:
                return f"{failure} (packages {self.packages})"
            ran = subprocess.run([*self.emulator, program], check=False)
        return "" if ran.returncode == 0 else f"{tools[1]} ends with {ran.returncode}"


def _debian(name: str, emulator: str, abi: str) -> Machine:
    triplet = f"{name}-linux-gnu"
    return Machine(
        (f"{triplet}-gcc",),
        (emulator, "-L", f"/usr/{triplet}"),
        abi,
        f"gcc-{triplet}, libc6-dev-{name}-cross, qemu-user",
    )


try:
    COMPILER = tuple(compiler())
except BuildFailed as failure:
    pytest.skip(str(failure), allow_module_level=True)

MACHINES = {
    "this": Machine(COMPILER),
    "this-32-bit": Machine((*COMPILER, "-m32")),
    "powerpc": _debian("powerpc", "qemu-ppc", "ilp32-be"),
    "s390x": _debian("s390x", "qemu-s390x", "lp64-be"),
}

Built = tuple[Machine, Path]
"""A machine, and a folder with the library for it."""

LIBRARY = "libsyslet-threads.so"


def run(
    words: Sequence[str], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1", **(environment or {})},
        timeout=LIMIT_S,
    )


@pytest.fixture(scope="module", params=MACHINES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The library, made without a warning: its Makefile has warnings as errors."""
    name = str(request.param)
    machine = MACHINES[name]
    if why := machine.why_not():
        pytest.skip(f"{name}: {why}")
    folder = tmp_path_factory.mktemp(name)
    library = f"LIBRARY={folder / LIBRARY}"
    made = run(["make", "-s", "-C", str(FOLDER), f"CC={' '.join(machine.compiler)}", library])
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    return machine, folder


def backend(machine: Machine, folder: Path) -> list[str]:
    """The words that name it to `syslet run`."""
    library = folder / LIBRARY
    if not machine.emulator:
        return [f"lib:{library}"]
    host = folder / "host"
    words = [sys.executable, "-m", "syslet_native.build_host", "-o", str(host)]
    made = run(words, {"CC": " ".join(machine.compiler)})
    assert made.returncode == 0, made.stderr
    command = " ".join([*machine.emulator, str(host), str(library)])
    return [f"exec:{command}", "--abi", machine.abi]


@pytest.mark.timeout(LIMIT_S + 40)
def test_every_requirement_holds(built: Built) -> None:
    words = [sys.executable, "-c", "from syslet_conformance.cli import main; main()", "run"]
    ran = run([*words, *backend(*built), "--jobs", "2"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "80 requirements judged on 1 ABI by" in ran.stdout
    for verdict in ("fail", "hang", "crash", "unjudged"):
        assert verdict not in ran.stdout
    assert "blocked-at-once: 1000" in ran.stdout


@pytest.mark.timeout(LIMIT_S + 40)
@pytest.mark.parametrize("program", ["earlier_handler", "readers"])
def test_a_c_test_runs_clean(built: Built, program: str) -> None:
    machine, folder = built
    words = [*machine.compiler, *FLAGS, f"-I{NATIVE / 'include'}", "-pthread"]
    output = folder / program
    compile_c([*words, "-o", str(output), str(PROGRAMS / f"{program}.c"), str(folder / LIBRARY)])
    # An emulator starts its threads far more slowly.
    count = "500" if machine.emulator else "10000"
    ran = run([*machine.emulator, str(output), *[count] * (program == "readers")])
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_library_exports_the_calls_and_nothing_else(built: Built) -> None:
    if shutil.which("readelf") is None:
        pytest.skip("no readelf (package binutils)")
    listed = run(["readelf", "--dyn-syms", "--wide", str(built[1] / LIBRARY)]).stdout
    rows = [line.split() for line in listed.splitlines()]
    defined = [row for row in rows if len(row) == 8 and row[6].isdigit()]
    symbols = {row[7] for row in defined if row[4] != "LOCAL"}
    assert symbols == EXPORTS
