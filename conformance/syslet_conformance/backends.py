"""Finding engines: a backend is named ``kind[:target]``, and opens an engine on an ABI."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from syslet_conformance.contract import Description, Engine
from syslet_conformance.libraries import library_host
from syslet_conformance.plug_ins import Offer, installed, installed_offer, python_offer
from syslet_conformance.protocol import ProtocolEngine
from syslet_layouts import ABIS, Abi, SysletError, abi_named
from syslet_native import why_not_available
from syslet_native.build_host import engine_path, host_path
from syslet_reference import ReferenceEngine

VERSION = version("syslet-conformance")
EMBEDDED = "reference"
NATIVE = "native"
NATIVE32 = "native32"
NATIVE32_ABI = "ilp32-le"
NATIVE32_NOTE = "the same with 32-bit words, in a process of its own"


class EmbeddedEngine(ReferenceEngine):
    """The reference engine with what the contract asks beside it: its description."""

    def describe(self) -> Description:
        """Name and version; it lacks nothing."""
        return Description("reference", VERSION)


@dataclass(frozen=True, slots=True)
class Backend:
    """A kind of engine that can be opened: its name, its ABIs, and how."""

    name: str
    abis: tuple[str, ...]
    open: Callable[[Abi], Engine]
    note: str = ""


def reference(**options: Any) -> Backend:
    """The embedded reference; options go to `ReferenceEngine` (chooser, trace, console)."""
    return Backend(
        EMBEDDED,
        tuple(ABIS),
        lambda abi: EmbeddedEngine(abi, **options),
        "the specification in executable form, in process",
    )


def native() -> Backend:
    """The C engine, in this process. SysletError where it was not built."""
    why_not = why_not_available()
    if why_not:
        raise SysletError(f"backend native: {why_not}")
    from syslet_native.engine import ABI_NAME, NativeEngine

    class DescribedEngine(NativeEngine):
        """With what the contract asks beside it: its description."""

        @functools.cached_property
        def _description(self) -> Description:
            means = " ".join(self.means()) or "workers alone"
            return Description("native", VERSION, build=f"means: {means}")

        def describe(self) -> Description:
            """Name, version, and the means that it uses."""
            return self._description

    return Backend(NATIVE, (ABI_NAME,), DescribedEngine, "real system calls, in C, in process")


def native32() -> Backend:
    """The same sources built for 32-bit words, driven through the host. SysletError if not."""
    opened = functools.partial(ProtocolEngine, _native32_words(), name=NATIVE32)
    return Backend(NATIVE32, (NATIVE32_ABI,), opened, NATIVE32_NOTE)


def _native32_words() -> list[str]:
    try:
        return [str(host_path("ilp32")), str(engine_path("ilp32"))]
    except SysletError as error:
        raise SysletError(f"backend {NATIVE32}: {error}") from None


@functools.cache
def command(target: str, abis: tuple[str, ...] = ()) -> Backend:
    """``exec:COMMAND``: a program that speaks the engine protocol on stdin and stdout.

    Its ABIs are `abis`, or, where none is given, those that its hello names. SysletError where
    it cannot be started, or refuses one.
    """
    note = "a program that speaks the engine protocol"
    return _process(f"exec:{target}", command_words(target), abis, note)


@functools.cache
def library(target: str, abis: tuple[str, ...] = ()) -> Backend:
    """``lib:PATH``: a shared library with the calls of ``syslet.h``, in a process of its own.

    SysletError where it is none, lacks a symbol or has another ABI version.
    """
    note = "a shared library, driven through the engine host"
    return _process(f"lib:{target}", _library_words(target), abis, note)


def serving(name: str) -> list[str]:
    """What starts the backend as a process that speaks the engine protocol. SysletError.

    Those that have none of their own are served by `syslet serve`.
    """
    kind, colon, target = name.partition(":")
    if kind == "exec" and colon:
        return command_words(target)
    if kind == "lib" and colon:
        return _library_words(target)
    if name == NATIVE32:
        return _native32_words()
    backend_named(name)
    main = "from syslet_conformance.cli import main; main()"
    return [sys.executable, "-P", "-c", main, "serve", name]


def command_words(target: str) -> list[str]:
    """The words of an ``exec:`` backend's command. SysletError where there are none."""
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise SysletError(f"backend exec:{target}: {error}") from None
    if not words:
        raise SysletError(f"backend exec:{target}: wanted exec:COMMAND")
    return words


def _library_words(target: str) -> list[str]:
    if not target:
        raise SysletError("backend lib:: wanted lib:PATH")
    try:
        return library_host(target)
    except SysletError as error:
        raise SysletError(f"backend lib:{target}: {error}") from None


def _process(name: str, words: list[str], abis: tuple[str, ...], note: str) -> Backend:
    """It is asked for each of `abis`, or which it speaks."""
    spoken: tuple[str, ...] = ()
    for abi in map(abi_named, abis) if abis else [None]:
        engine = ProtocolEngine(words, abi, name=name)
        engine.close()
        spoken += (abi.name,) if abi else engine.abis
    opened = functools.partial(ProtocolEngine, words, name=name)
    return Backend(name, spoken, opened, note)


def _plug_in(name: str, offer: Offer) -> Backend:
    return Backend(name, offer.abis, offer.open, offer.note)


def backend_named(name: str, abis: Sequence[str] = ()) -> Backend:
    """The backend of that name. SysletError where there is none.

    `abis` are those that it is wanted for, if that is known: a program is asked for them.
    """
    kind, colon, target = name.partition(":")
    if name in EMBEDDED_KINDS:
        return EMBEDDED_KINDS[name]()
    if kind == "exec" and colon:
        return command(target, tuple(abis))
    if kind == "lib" and colon:
        return library(target, tuple(abis))
    if kind == "python" and colon:
        return _plug_in(name, python_offer(target))
    if kind in installed():
        return _plug_in(name, installed_offer(name))
    wanted = ", ".join([*EMBEDDED_KINDS, *installed(), "lib:PATH", "exec:COMMAND"])
    raise SysletError(f"no backend {name!r}; wanted {wanted} or python:MODULE:ATTR")


EMBEDDED_KINDS: dict[str, Callable[[], Backend]] = {
    EMBEDDED: reference,
    NATIVE: native,
    NATIVE32: native32,
}
"""Those of this package."""
