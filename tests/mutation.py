"""Runs the suite's tests on mutants: imported and collected once, a forked child for each.

``python mutation.py JOBS`` reads lines ``MODULE NAME ID...`` and answers, as they come, JSON lines:
mutant, what was caught, and what was seen. A child ends with the test that catches its last id.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, NamedTuple

import pytest

LIMIT_S = 100
"""How long one mutant may take."""


def judge(orders: Iterable[str], jobs: int) -> dict[tuple[str, str], dict[str, list[str]]]:
    """The answer for each mutant, by its module and name; none where its process died of it."""
    ran = subprocess.run(
        [sys.executable, __file__, str(jobs)],
        input="\n".join(orders),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    found = {(module, name): line for line in lines for module, name in [line["mutant"]]}
    assert ran.returncode == 0 or found, ran.stdout + ran.stderr
    return found


class Order(NamedTuple):
    """A mutant, and the ids whose tests are run on it; `every`: all of them, to the end."""

    module: str
    name: str
    ids: tuple[str, ...]
    every: bool
    caught: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()

    @classmethod
    def parse(cls, line: str) -> Order:
        """``MODULE NAME [all] ID...``"""
        module, name, *ids = line.split()
        return cls(module, name, tuple(i for i in ids if i != "all"), "all" in ids)


class Runner:
    """A pytest plugin whose test loop serves the orders."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve each order in a child of its own, `jobs` at a time."""
        orders = [Order.parse(line) for line in sys.stdin]
        running: dict[int, tuple[Order, int, float]] = {}
        while orders or running:
            while orders and len(running) < self.jobs:
                order = orders.pop(0)
                reading, pid = _start(session, order)
                running[reading] = order, pid, time.monotonic() + LIMIT_S
            ready, _, _ = select.select(list(running), [], [], 1.0)
            for reading, (_, pid, until) in list(running.items()):
                if reading in ready:
                    with os.fdopen(reading) as answers:
                        last = answers.read().splitlines()[-1]
                    os.waitpid(pid, 0)
                    order, _, _ = running.pop(reading)
                    if last.startswith("{"):
                        print(last, flush=True)
                    else:
                        orders.insert(0, _after_death(session, order, int(last)))
                elif time.monotonic() > until:
                    os.kill(pid, signal.SIGKILL)
        return True


def _start(session: pytest.Session, order: Order) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return reading, pid
    try:
        os.close(reading)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        with os.fdopen(writing, "w") as answers:
            answers.write(json.dumps(_judge(session, order, answers)) + "\n")
    finally:
        os._exit(0)


def _after_death(session: pytest.Session, order: Order, at: int) -> Order:
    """What is left to do where the child died at item `at`: its ids are caught."""
    item = session.items[at]
    caught = (*order.caught, *_ids(item))
    return order._replace(caught=caught, seen=(*order.seen, f"crash {item.name}"))


def _judge(session: pytest.Session, order: Order, answers: IO[str]) -> dict[str, object]:
    """Run the items of the order, saying which before each."""
    from syslet_conformance.backends import backend_named
    from syslet_conformance.outcome import outcome_of
    from syslet_conformance.verdicts import FAILED

    name = f"python:{order.module}:{order.name}"
    session.config.option.syslet_backend = name
    abis = backend_named(name).abis
    caught, seen = set(order.caught), list(order.seen)
    numbered = [
        (number, item)
        for number, item in enumerate(session.items)
        if set(_ids(item)) & set(order.ids) and vars(item)["callspec"].params["rig"].abi in abis
    ]
    for position, (number, item) in enumerate(numbered):
        wanted = set(order.ids) if order.every else set(order.ids) - caught
        if not wanted & set(_ids(item)):
            continue
        answers.write(f"{number}\n")
        answers.flush()
        session._setupstate.teardown_exact(item)  # of one that was passed over
        following = numbered[(position + 1) % len(numbered)][1]
        result = outcome_of(item, following, evidence=False)
        if result.verdict in FAILED:
            caught |= set(_ids(item))
            seen.append(f"{result.verdict} {result.test}: {result.message[:500]}")
    return {"mutant": [order.module, order.name], "caught": sorted(caught), "seen": seen[:5]}


def _ids(item: pytest.Item) -> tuple[str, ...]:
    marker = item.get_closest_marker("checks")
    return marker.args if marker else ()


def main() -> int:
    """Run pytest over the suite with the runner in place of its loop."""
    sys.path.insert(0, str(Path(__file__).parent))
    arguments = ["--pyargs", "syslet_conformance.suite", "-c", os.devnull, "-s"]
    arguments += ["-p", "no:terminal", "-p", "no:cacheprovider"]
    arguments += ["--hypothesis-seed=0"]
    return int(pytest.main(arguments, plugins=[Runner(int(sys.argv[1]))]))


if __name__ == "__main__":
    sys.exit(main())
