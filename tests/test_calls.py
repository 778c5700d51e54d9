"""The threads that calls come from, and what the ABIs of a run share."""

from __future__ import annotations

import itertools
import threading

import pytest

from syslet_conformance import calls
from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.calls import Hang
from syslet_conformance.rig import Rig, Way
from syslet_layouts import abi_named


def test_two_calls_that_follow_each_other_come_from_two_threads() -> None:
    threads = [calls.make("exec", threading.get_ident).join() for _ in range(10)]
    assert all(one != other for one, other in itertools.pairwise(threads))
    assert threading.get_ident() not in threads


def test_a_call_that_hangs_is_told_and_holds_up_no_other() -> None:
    go = threading.Event()

    def hangs() -> int:
        go.wait()
        return threading.get_ident()

    call = calls.make("exec", hangs)
    with pytest.raises(Hang, match=r"^exec did not return within 0\.01 s$"):
        call.join(0.01)
    assert not call.returned
    others = {calls.make("wait", threading.get_ident).join() for _ in range(5)}
    go.set()
    assert call.join() not in others


def test_what_a_call_raises_is_raised_where_it_is_joined() -> None:
    def fails() -> int:
        raise ZeroDivisionError("of the engine")

    with pytest.raises(ZeroDivisionError, match="of the engine"):
        calls.make("exec", fails).join()
    assert calls.make("exec", lambda: 7).join() == 7


def test_a_thread_that_is_to_end_has_ended() -> None:
    made: list[threading.Thread] = []

    def tells() -> int:
        made.append(threading.current_thread())
        return 5

    assert calls.make_and_end("exec", tells) == 5
    assert not made[0].is_alive()


ABIS = ("lp64-le", "ilp32-be", "lp64-be", "ilp32-le", "fixed64-le")


def _rig(abi: str, abis: tuple[str, ...], mode: str | None = None) -> Rig:
    return Rig(EmbeddedEngine(abi_named(abi)), Way(abi, mode), abis, "0")


def test_the_first_abi_is_that_of_the_run() -> None:
    assert [_rig(abi, ABIS).is_on_first_abi for abi in ABIS] == [True, *[False] * 4]
    assert _rig("lp64-be", ("lp64-be",)).is_on_first_abi


@pytest.mark.parametrize(("abis", "share"), [(1, 40), (2, 20), (5, 8)])
def test_abis_share_what_is_drawn(abis: int, share: int) -> None:
    assert _rig(ABIS[0], ABIS[:abis]).share(40, 8) == share


def test_an_abi_draws_the_least_at_least() -> None:
    assert _rig(ABIS[0], ABIS).share(12, 3) == 3


def test_each_abi_and_mode_draws_by_a_seed_of_its_own() -> None:
    seeds = {_rig(abi, ABIS, mode).seed for abi in ABIS for mode in ("cached", "async")}
    assert len(seeds) == 10
