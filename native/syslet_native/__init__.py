"""The native engine: real system calls, in C.

`available()` says whether it was built here; `NativeEngine` (in `engine`) is one of it.
"""

from __future__ import annotations

import importlib

from syslet_layouts import SysletError

__all__ = ["why_not_available"]


def why_not_available() -> str:
    """Why the engine cannot be used here; the empty string where it can."""
    try:
        importlib.import_module("syslet_native._engine")
    except ImportError as error:
        return f"it was not built: {error} (a C compiler and Python's headers are wanted)"
    return ""


class NotAvailable(SysletError):  # noqa: N818 - a state, not a fault
    """The native engine was not built here."""
