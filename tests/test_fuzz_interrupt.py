"""Ctrl-C in a hunt: never in the middle of an executor's call, at once in what may take long."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from syslet_conformance.fuzz.campaign import Campaign, Limits
from syslet_conformance.fuzz.corpus import State
from syslet_conformance.fuzz.interrupt import Interrupt
from syslet_conformance.fuzz.work import Spec


@pytest.fixture(autouse=True)
def _default() -> Iterator[None]:
    """As in a terminal, whatever these tests are started by."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _InterruptedInACall(Executor):
    """Ctrl-C comes while it holds what others would wait for."""

    def __init__(self) -> None:
        self.began = self.ended = 0
        self.future: Future[Any] = Future()

    def submit(self, fn: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        del fn, args, kwargs
        self.began += 1
        signal.raise_signal(signal.SIGINT)
        self.ended += 1
        return self.future


def test_ctrl_c_in_an_executor_ends_the_hunt_once_the_executor_is_out_of_it(
    tmp_path: Path,
) -> None:
    spec = Spec("reference", "ilp32-le", "a", sandboxed=False)
    campaign = Campaign(spec, State(spec.backend, spec.abi, spec.seed), tmp_path)
    executor = _InterruptedInACall()
    with campaign.interrupt.caught(), pytest.raises(KeyboardInterrupt):
        campaign.run(executor, 2, Limits(streams=1000))
    assert (executor.began, executor.ended) == (1, 1)
    assert executor.future.cancelled()


def _take_long(interrupt: Interrupt, done: list[str], *, interrupted: bool) -> None:
    with interrupt.at_once():
        done.append("begun")
        if interrupted:
            signal.raise_signal(signal.SIGINT)
        done.append("ended")


def test_ctrl_c_in_what_may_take_long_is_raised_there() -> None:
    interrupt, done = Interrupt(), list[str]()
    with interrupt.caught(), pytest.raises(KeyboardInterrupt):
        _take_long(interrupt, done, interrupted=True)
    assert done == ["begun"]


def test_what_may_take_long_is_not_begun_after_ctrl_c() -> None:
    interrupt, done = Interrupt(), list[str]()
    with interrupt.caught():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            _take_long(interrupt, done, interrupted=False)
    assert not done


def test_what_was_there_before_has_ctrl_c_again_and_where_it_is_ignored_it_stays_so() -> None:
    interrupt = Interrupt()
    with interrupt.caught():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupt.caught():
        signal.raise_signal(signal.SIGINT)
        interrupt.check()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
