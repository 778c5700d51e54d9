"""A library with the calls of ``syslet.h`` as an engine in this process."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from syslet_conformance.contract import Description
from syslet_layouts import Abi
from syslet_native._engine import ffi, lib
from syslet_native.engine import NativeEngine


class InProcess(NativeEngine):
    """`NativeEngine`, its calls made to the library at `path`.

    Each library is an engine of its own, so it may run beside another one. OSError where it
    cannot be loaded, AttributeError where it lacks a call.
    """

    def __init__(self, abi: Abi, path: Path, name: str) -> None:
        library = ctypes.CDLL(str(path))
        self._lib = SimpleNamespace(**{call: _call(library, call) for call in CALLS})
        self._name = name
        super().__init__(abi)

    def describe(self) -> Description:
        """By the name that it was given."""
        return Description(self._name, "loaded")


CALLS = [name for name in dir(lib) if name.startswith("sys") and callable(getattr(lib, name))]
"""Those of the header."""


def _call(library: ctypes.CDLL, name: str) -> Any:
    """The library's own, as the binding calls ours."""
    address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    return ffi.cast(ffi.typeof(getattr(lib, name)), address)
