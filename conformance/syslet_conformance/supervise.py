"""Running tests in supervised children, so that an engine that dies costs one test.

The collecting process forks workers; each runs the items whose indices it is sent and
answers a line for each. A worker that dies, or that says nothing for too long, gives the
test it was at the verdict `crash` or `hang`, and a new one takes up the rest.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import selectors
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO

import pytest

from syslet_conformance.outcome import outcome_of
from syslet_conformance.patience import patient_s
from syslet_conformance.results import Result, from_line, to_line
from syslet_conformance.verdicts import Verdict
from syslet_layouts import SysletError

SILENCE_S = 75.0
"""How long a worker may say nothing before it is killed: longer than pytest-timeout waits."""

CHUNK = 16
"""How many tests a worker is sent at a time."""

RESTARTS = 100
"""How often the engine may crash or hang, and be started anew, before the run ends."""


class TooManyRestarts(SysletError):  # noqa: N818 - a reason to end
    """The engine died too often to go on."""


@dataclass(slots=True)
class _Worker:
    pid: int
    orders: int
    answers: int
    output: IO[bytes]
    pending: deque[int] = field(default_factory=deque)
    buffer: bytes = b""
    told_last: bool = False
    heard: float = field(default_factory=time.monotonic)

    def send(self, indices: Sequence[int]) -> None:
        self.pending.extend(indices)
        self._say(" ".join(map(str, indices)))

    def send_last(self) -> None:
        """Nothing follows what it has been sent."""
        self.told_last = True
        self._say("")

    def _say(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # its death is seen by what it answers
            os.write(self.orders, f"{line}\n".encode())

    def end(self) -> int:
        os.close(self.orders)
        os.close(self.answers)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        return os.waitpid(self.pid, 0)[1]

    def said(self) -> str:
        """The last that the engine printed."""
        self.output.seek(max(os.fstat(self.output.fileno()).st_size - 4000, 0))
        return self.output.read().decode(errors="replace")


def supervise(
    items: Sequence[pytest.Item],
    jobs: int,
    describe: Callable[[pytest.Item, Verdict, str, str], Result],
    on_result: Callable[[Result], None],
    most_restarts: int = RESTARTS,
) -> None:
    """Run every item, with `jobs` workers; results come as they are had.

    `describe` makes the result of a test whose worker is gone. TooManyRestarts after more than
    `most_restarts` crashes and hangs.
    """
    todo = deque(range(len(items)))
    workers: dict[int, _Worker] = {}
    selector = selectors.DefaultSelector()
    restarts = 0
    gc.freeze()  # what was collected is there to the end: no worker looks it through

    def start() -> None:
        if todo:
            worker = _fork(items, workers.values())
            workers[worker.answers] = worker
            selector.register(worker.answers, selectors.EVENT_READ)
            refill(worker)

    def refill(worker: _Worker) -> None:
        """A worker runs a test when it knows the next one, so that it keeps its engines."""
        if worker.told_last:
            return
        while todo and len(worker.pending) < 2:
            worker.send([todo.popleft() for _ in range(min(CHUNK, len(todo)))])
        if not todo:
            worker.send_last()

    def retire(worker: _Worker) -> int:
        """End the worker, and give back what it was sent; its wait status."""
        selector.unregister(worker.answers)
        del workers[worker.answers]
        todo.extendleft(reversed(worker.pending))
        return worker.end()

    def note(result: Result) -> None:
        """A crash or a hang costs a restart, whether of the worker or of the engine's process."""
        on_result(result)
        if result.verdict in {Verdict.CRASH, Verdict.HANG}:
            count_restart(f"the last was {result.test}, a {result.verdict}")

    def count_restart(why: str) -> None:
        nonlocal restarts
        restarts += 1
        if restarts > most_restarts:
            said = f"the engine crashed or hung {restarts} times, {most_restarts} are allowed"
            raise TooManyRestarts(f"{said}; {why}; the run ends here")

    def replace(worker: _Worker, verdict: Verdict | None) -> None:
        """Start another worker; `verdict`, if any, is that of the test this one was at."""
        index = worker.pending.popleft() if verdict and worker.pending else None
        status = retire(worker)
        if index is not None and verdict is not None:
            hung = verdict is Verdict.HANG
            why = f"no answer within {patient_s(SILENCE_S):g} s" if hung else _ended(status)
            note(describe(items[index], verdict, why, worker.said()))
        elif verdict is not None:
            count_restart(f"a worker: {_ended(status)}")
        worker.output.close()
        start()

    try:
        for _ in range(jobs):
            start()
        while workers:
            for key, _ in selector.select(timeout=1.0):
                worker = workers[key.fd]
                data = os.read(worker.answers, 1 << 16)
                worker.heard = time.monotonic()
                *lines, worker.buffer = (worker.buffer + data).split(b"\n")
                results = [from_line(line, "worker") for line in lines]
                for result in results:
                    assert isinstance(result, Result)
                    worker.pending.popleft()
                    note(result)
                if any(isinstance(r, Result) and r.verdict is Verdict.HANG for r in results):
                    replace(worker, None)
                elif worker.told_last and not worker.pending:
                    retire(worker)
                    worker.output.close()
                    if todo:
                        start()
                elif not data:
                    replace(worker, Verdict.CRASH)
                else:
                    refill(worker)
            for worker in list(workers.values()):
                if time.monotonic() - worker.heard > patient_s(SILENCE_S):
                    replace(worker, Verdict.HANG)
    finally:
        for worker in workers.values():
            worker.end()
            worker.output.close()
        selector.close()
        gc.unfreeze()


def _ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        how = f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    else:
        how = f"exit status {os.WEXITSTATUS(status)}"
    return f"the engine's process ended: {how}"


def _fork(items: Sequence[pytest.Item], others: Iterable[_Worker]) -> _Worker:
    orders_read, orders_write = os.pipe()
    answers_read, answers_write = os.pipe()
    output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the supervisor
    pid = os.fork()
    if pid:
        os.close(orders_read)
        os.close(answers_write)
        return _Worker(pid, orders_write, answers_read, output)
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for fd in (orders_write, answers_read, *(f for o in others for f in (o.orders, o.answers))):
            os.close(fd)
        threading.Thread(target=_end_with, args=(orders_read,), daemon=True).start()
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        _work(items, orders_read, answers_write)
        status = 0
    finally:
        os._exit(status)


def _end_with(orders: int) -> None:
    """End this process when nobody can send it orders any more, whatever it is at."""
    closed = select.poll()
    closed.register(orders, 0)
    closed.poll()
    os._exit(1)


def _work(items: Sequence[pytest.Item], orders: int, answers: int) -> None:
    """The child: run what is ordered. After a hang it stops: the engine is wedged, and the
    supervisor starts another child."""
    held: deque[int] = deque()
    with os.fdopen(orders) as lines:
        more = True
        while more or held:
            while more and len(held) < 2:
                line = lines.readline()
                more = bool(line.strip())
                held.extend(int(word) for word in line.split())
            if not held:
                return
            item = items[held.popleft()]
            result = outcome_of(item, items[held[0]] if held else None)
            os.write(answers, to_line(result))
            if result.verdict is Verdict.HANG:
                return
