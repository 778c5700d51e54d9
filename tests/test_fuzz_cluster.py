"""Hunts on a Dask cluster: a real one, of two worker processes on this machine."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import hunted_engines
import pytest
from running import HERE, syslet

from syslet_conformance.fuzz import cluster
from syslet_conformance.fuzz.campaign import Campaign, Hunt, Limits
from syslet_conformance.fuzz.cluster import cluster_executor
from syslet_conformance.fuzz.corpus import State
from syslet_conformance.fuzz.finds import read
from syslet_conformance.fuzz.judge import Judgement
from syslet_conformance.fuzz.sandbox import why_not
from syslet_conformance.fuzz.work import Spec, end_workers
from syslet_layouts import SysletError

distributed: Any = pytest.importorskip(
    "distributed", reason="no Dask: pip install 'syslet-conformance[cluster]'"
)

ABI = "ilp32-le"
WRONG = "python:hunted_engines:AddsThreeForTwo"
WAITS = "python:hunted_engines:WaitsOnce"
CONFINED = not why_not()
"""Children are confined where this machine can."""

WITHIN_S = 60
"""What is waited for comes far sooner."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where engines in the workers leave word."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def running(place: Path) -> Iterator[Any]:
    """A cluster of two workers, with a thread each, that find the engines of this folder."""
    environment = {
        hunted_engines.PLACE: str(place),
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            local_directory=str(place),
        ) as started:
            yield started


def hunted(spec: Spec, executor: Executor, finds: Path, limits: Limits) -> Hunt:
    """What comes of a hunt."""
    campaign = Campaign(spec, State(spec.backend, spec.abi, spec.seed), finds)
    campaign.run(executor, 4, limits)
    return campaign.hunt


def on_cluster(address: str, spec: Spec, finds: Path, limits: Limits) -> Hunt:
    """What comes of a hunt on the cluster."""
    with cluster_executor(address, spec) as (executor, threads):
        assert threads == 2
        return hunted(spec, executor, finds, limits)


def here(spec: Spec, finds: Path, limits: Limits) -> Hunt:
    """What comes of a hunt in this process."""
    with ThreadPoolExecutor(1) as executor:
        hunt = hunted(spec, executor, finds, limits)
    end_workers(spec)
    return hunt


def counts(hunt: Hunt) -> tuple[object, ...]:
    """All that is counted, but for what depends on which of two callers was first.

    Those streams are the same, allowed or undecided.
    """
    state = hunt.state
    judged = {name: state.judgements[name] for name in (Judgement.UNJUDGED, Judgement.FIND)}
    total = sum(state.judgements.values())
    return state.next_batch, state.streams, total, judged, state.features


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(holds: Callable[[], object]) -> None:
    """Wait for it."""
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """The processes that play for it."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"fuzz.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def test_a_hunt_on_the_cluster_counts_what_one_here_does(running: Any, tmp_path: Path) -> None:
    corpus = (bytes(range(200)), b"anything is a stream")
    spec = Spec("reference", ABI, "both", sandboxed=CONFINED, corpus=corpus, streams=40)
    limits = Limits(streams=310)
    there = on_cluster(running.scheduler_address, spec, tmp_path, limits)
    assert counts(there) == counts(here(spec, tmp_path, limits))
    assert there.state.streams == sum(there.state.judgements.values()) == 310
    assert there.finds == {}


def test_finds_on_the_cluster_are_those_of_a_hunt_here(running: Any, tmp_path: Path) -> None:
    spec = Spec(WRONG, ABI, "a", sandboxed=CONFINED, streams=20)
    limits = Limits(streams=100, finds=1)
    there = on_cluster(running.scheduler_address, spec, tmp_path / "there", limits)
    local = here(spec, tmp_path / "here", limits)
    assert there.finds.keys() == local.finds.keys() != set()
    for key, (find, path) in there.finds.items():
        assert path.parent == tmp_path / "there"
        assert read(path) == find
        assert (find.batch, find.number) == (local.finds[key][0].batch, local.finds[key][0].number)
        assert find.repeated == find.replays


def test_the_batch_of_a_worker_that_is_killed_is_played_by_another(
    running: Any, place: Path, tmp_path: Path
) -> None:
    spec = Spec(WAITS, ABI, "b", sandboxed=False, streams=40)
    limits = Limits(streams=240)
    killed = list[int]()

    def kill() -> None:
        until((place / "playing").exists)
        child, worker = map(int, (place / "playing").read_text().split())
        assert is_running(child)
        os.kill(worker, signal.SIGKILL)
        killed.extend((child, worker))

    killer = Thread(target=kill)
    killer.start()
    there = on_cluster(running.scheduler_address, spec, tmp_path, limits)
    killer.join()
    until(lambda: not any(map(is_running, killed)))
    local = here(Spec("reference", ABI, "b", sandboxed=False, streams=40), tmp_path, limits)
    assert counts(there) == counts(local)
    assert there.state.streams == 240
    assert there.finds == {}


def test_the_children_of_a_hunt_end_with_it_in_the_workers_too(
    running: Any, tmp_path: Path
) -> None:
    spec = Spec("reference", ABI, "c", sandboxed=CONFINED, streams=20)
    with cluster_executor(running.scheduler_address, spec) as (executor, _):
        hunted(spec, executor, tmp_path, Limits(streams=200))
        before = [child for nanny in running.workers.values() for child in children(nanny.pid)]
        assert before
    until(lambda: not any(map(is_running, before)))


def test_a_corpus_is_sent_once_and_not_with_each_batch(
    running: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = list[object]()
    right = distributed.Client.submit

    def submit(client: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        sent.extend(arg for arg in args if isinstance(arg, Spec))
        return right(client, fn, *args, **kwargs)

    monkeypatch.setattr(distributed.Client, "submit", submit)
    corpus = tuple(bytes([n % 256, n // 256]) * 100 for n in range(4096))
    spec = Spec("reference", ABI, "d", sandboxed=CONFINED, corpus=corpus, streams=10)
    hunt = on_cluster(running.scheduler_address, spec, tmp_path, Limits(streams=60))
    assert hunt.state.streams == 60
    assert sent == [spec]


def test_an_engine_that_cannot_be_opened_there_is_one_line(running: Any, tmp_path: Path) -> None:
    spec = Spec("python:nowhere:Engine", ABI, "e", sandboxed=CONFINED)
    with pytest.raises(SysletError, match="nowhere") as raised:
        on_cluster(running.scheduler_address, spec, tmp_path, Limits(streams=60))
    assert "\n" not in str(raised.value)


def test_a_cluster_without_workers_is_one_line() -> None:
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(SysletError, match=r"^--cluster tcp://.*: the cluster has no workers$"),
        cluster_executor(empty.scheduler_address, Spec("reference", ABI, "f", sandboxed=CONFINED)),
    ):
        pass


def refusal(address: str) -> str:
    """Why there is no executor at that address."""
    with pytest.raises(SysletError) as raised:
        cluster_executor(address, Spec("reference", ABI, "g", sandboxed=CONFINED)).__enter__()
    reason = str(raised.value).removeprefix(f"--cluster {address}: ")
    assert "\n" not in reason
    return reason


def test_an_address_where_no_scheduler_is_is_one_line(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert refusal(f"tcp://127.0.0.1:{silent.getsockname()[1]}") == "no scheduler answers"
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as web:
        Thread(target=web.handle_request, daemon=True).start()
        assert refusal(f"tcp://127.0.0.1:{web.server_port}") == "no scheduler answers"
    worker, *_ = running.scheduler_info["workers"]
    assert refusal(worker) == "a Worker, not a scheduler"
    assert "unknown address scheme" in refusal("http://127.0.0.1:1")
    assert "missing port" in refusal("127.0.0.1")


def test_the_command_hunts_on_the_cluster(running: Any, tmp_path: Path) -> None:
    words = ("--seed", "a", "--streams", "40", "--most-finds", "1", "--finds", tmp_path)
    done = syslet("fuzz", WRONG, *words, "--cluster", running.scheduler_address)
    assert (done.returncode, done.stderr) == (1, "")
    assert "40 streams" in done.stdout


def test_the_command_ends_within_seconds_where_nobody_answers() -> None:
    done = syslet("fuzz", "reference", "--streams", "9", "--cluster", "tcp://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr == "syslet: --cluster tcp://127.0.0.1:1: no scheduler answers\n"
