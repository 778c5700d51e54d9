"""A method of the reference engine with some of its text replaced."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import syslet_reference.engine as shell


def rewritten(method: Callable[..., Any], *changes: tuple[str, str]) -> Any:
    """`method` of the engine, in which each (old, new) is replaced.

    ValueError where an old text does not stand there exactly once: the engine has changed,
    and this mutant has to change with it. Lines are indented as in the engine's file.
    """
    source = "if True:\n" + inspect.getsource(method)
    for old, new in changes:
        if source.count(old) != 1:
            raise ValueError(f"{method.__qualname__}: {source.count(old)} times {old!r}, wanted 1")
        source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(compile(source, f"<{method.__qualname__}, rewritten>", "exec"), vars(shell), made)
    return made[method.__name__]
