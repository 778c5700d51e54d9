"""The native engine: real system calls, in C.

`why_not_available` says what keeps it from being used; `engine.NativeEngine` is one of it.
"""

from __future__ import annotations

import importlib

__all__ = ["why_not_available"]


def why_not_available() -> str:
    """Why the engine cannot be used here; the empty string where it can."""
    try:
        importlib.import_module("syslet_native._engine")
    except ImportError as error:
        return f"it was not built: {error} (a C compiler and Python's headers are wanted)"
    return ""
