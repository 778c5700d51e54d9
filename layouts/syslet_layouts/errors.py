"""Errors that our API raises for misuse; what the specification defines is a value."""

from __future__ import annotations


class SysletError(Exception):
    """A use of this project's API, or an input to it, that cannot be. One line."""


class LayoutError(SysletError):
    """Bytes or values that do not fit a layout.

    The message names the field, its offset, the ABI, and what was wanted and got.
    """
