"""Batches as work: what is kept where an engine ends and cannot be opened again."""

from __future__ import annotations

from typing import Any

import pytest

from syslet_conformance.fuzz import work
from syslet_conformance.fuzz.work import Spec, run_batch
from syslet_conformance.fuzz.worker import Ended, Worker
from syslet_conformance.fuzz.workers import Workers
from syslet_layouts import SysletError

SPEC = Spec("lib:gone", "lp64-le", "1", sandboxed=True)


class Ends(Worker):
    """A child whose engine ends in stream 3 of whatever is ordered."""

    def __init__(self) -> None:
        """No process."""

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """Ended."""
        del what
        raise Ended("crash: SIGSEGV", 3, b"\1\2", "last words")

    def close(self) -> None:
        """It has ended."""


def test_what_was_found_is_kept_where_the_engine_cannot_be_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[Worker] = [Ends()]

    def opened(spec: Spec) -> Worker:
        if not left:
            raise SysletError(f"{spec.backend}: no such file")
        return left.pop()

    monkeypatch.setattr(work, "_WORKERS", Workers(opened))
    answer = run_batch(SPEC, 0, 500)
    assert answer["finds"] == [(3, "0102", "crash: SIGSEGV", "last words")]
    assert answer["streams"] == 4
    with pytest.raises(SysletError, match="lib:gone: no such file"):
        run_batch(SPEC, 1, 500)
