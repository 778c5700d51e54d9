"""Finding engines: a backend is named ``kind[:target]``, and opens an engine on an ABI."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from syslet_conformance.contract import Description, Engine
from syslet_layouts import ABIS, Abi, SysletError, abi_named
from syslet_reference import ReferenceEngine

EMBEDDED = "reference"


class EmbeddedEngine(ReferenceEngine):
    """The reference engine with what the contract asks beside it: its description."""

    def describe(self) -> Description:
        """Name and version; it lacks nothing."""
        return Description("reference", version("syslet-conformance"))


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


def plug_in(target: str) -> Backend:
    """``MODULE:ATTR``: ATTR takes an `Abi` and answers an engine; its `abis` may name its ABIs."""
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise SysletError(f"backend python:{target}: wanted python:MODULE:ATTR")
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise SysletError(f"backend python:{target}: {error}") from None
    abis = tuple(getattr(factory, "abis", ABIS))
    for name in abis:
        abi_named(name)
    return Backend(f"python:{target}", abis, factory, "a Python plug-in")


def backend_named(name: str) -> Backend:
    """The backend of that name. SysletError where there is none."""
    kind, _, target = name.partition(":")
    if name == EMBEDDED:
        return reference()
    if kind == "python":
        return plug_in(target)
    raise SysletError(f"no backend {name!r}; wanted reference or python:MODULE:ATTR")
