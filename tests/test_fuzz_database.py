"""The database of examples: in Redis, of which a real server is started, and in a directory."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis.database import InMemoryExampleDatabase
from running import HERE, syslet

from syslet_conformance.fuzz import database, finishing, shrink
from syslet_conformance.fuzz.campaign import Campaign, Limits
from syslet_conformance.fuzz.corpus import State
from syslet_conformance.fuzz.database import database_at
from syslet_conformance.fuzz.finds import KNOWN, Find, read
from syslet_conformance.fuzz.finishing import Player, finished
from syslet_conformance.fuzz.leaving import Leaving
from syslet_conformance.fuzz.stream import Stream, of_bytes
from syslet_conformance.fuzz.work import Spec, end_workers, run_batch
from syslet_layouts import SysletError


@pytest.fixture(autouse=True)
def _children_find_the_engines_of_this_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))


pytest.importorskip("redis", reason="no redis: pip install 'syslet-conformance[redis]'")

ENGINE = "python:hunted_engines:AddsThreeForTwo"
SPEC = Spec(ENGINE, "ilp32-le", "a", sandboxed=False)
FEW = ("--seed", "a", "--streams", "60", "--most-finds", "1", "--no-sandbox")


class Server:
    """A Redis of its own, on a socket in a directory."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "redis.sock"
        self.url = f"unix://{self.socket}"
        words = ["--port", "0", "--unixsocket", self.socket, "--dir", directory, "--save", ""]
        self.process = subprocess.Popen(
            ["redis-server", *map(str, words)], stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + 20
        while not self.socket.exists():
            assert time.monotonic() < until, "redis-server did not start"
            time.sleep(0.02)

    def end(self) -> None:
        """It goes away at once."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server, or the test is skipped."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server")
    started = Server(tmp_path)
    yield started
    started.end()


@pytest.fixture(params=["redis", "directory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database is."""
    if request.param == "redis":
        server: Server = request.getfixturevalue("server")
        return server.url
    return str(tmp_path / "examples")


def found_in(directory: Path) -> list[Find]:
    """The finds of a hunt."""
    return [read(path) for path in sorted(directory.iterdir())]


def test_a_find_is_kept_and_is_the_first_of_the_next_hunt(url: str, tmp_path: Path) -> None:
    first = syslet("fuzz", ENGINE, *FEW, "--database", url, "--finds", tmp_path / "first")
    assert first.returncode == 1, first.stderr
    assert "known" not in first.stdout
    (find,) = found_in(tmp_path / "first")
    again = syslet("fuzz", ENGINE, *FEW, "--database", url, "--finds", tmp_path / "again")
    assert (again.returncode, again.stderr) == (1, "")
    assert "0 streams" in again.stdout
    assert "known to the database" in again.stdout
    (known,) = found_in(tmp_path / "again")
    assert (known.batch, known.difference) == (KNOWN, find.difference)
    assert known.stream == find.stream


def test_a_known_stream_that_does_not_differ_here_is_no_find(url: str, tmp_path: Path) -> None:
    kept = database_at(url, pytest.fail)
    campaign = Campaign(SPEC, State(ENGINE, "ilp32-le", "a"), tmp_path / "finds", database=kept)
    kept.save(campaign.index_key, b"anything is a stream")
    campaign.play_known()
    assert campaign.hunt.finds == {}


def a_find() -> Find:
    """A find as a hunt has it before it is shrunk."""
    answer = run_batch(SPEC, 0, 60)
    end_workers(SPEC)
    number, stream, difference, _ = answer["finds"][0]
    return Find(ENGINE, "ilp32-le", "", "a", 0, number, difference, of_bytes(bytes.fromhex(stream)))


def test_what_a_find_was_shrunk_to_is_where_another_of_its_kind_starts(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = a_find()
    played = set[Stream]()

    class Counting(Player):
        def differences(self, stream: Stream, times: int, until: str = "") -> Counter[str]:
            played.add(stream)
            return super().differences(stream, times, until)

    monkeypatch.setattr(finishing, "Player", Counting)
    small, _ = finished(find, SPEC, database_at(url, pytest.fail))
    assert small.stream != find.stream
    to_shrink_it = len(played)
    played.clear()
    again, _ = finished(find, SPEC, database_at(url, pytest.fail))
    assert again.stream == small.stream
    assert len(played) < to_shrink_it / 10, "it is not shrunk again"


def test_a_hunt_goes_on_when_redis_goes_away_and_loses_no_find(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = list[str]()
    kept = database_at(server.url, lines.append)
    state = State(ENGINE, "ilp32-le", "a")
    campaign = Campaign(SPEC, state, tmp_path / "finds", database=kept)
    right = shrink.shrunk

    def shrunk_behind(*args: Any, **words: Any) -> Stream:
        server.end()
        return right(*args, **words)

    monkeypatch.setattr(finishing, "shrunk", shrunk_behind)
    with ThreadPoolExecutor(1) as executor:
        campaign.play_known()
        campaign.run(executor, 1, Limits(streams=60, finds=1))
    end_workers(SPEC)
    (find,) = found_in(tmp_path / "finds")
    assert find.shrunk
    assert len(find.stream.atoms) <= 2
    (line,) = lines
    assert line.startswith(f"{server.url}: the database is gone, and the hunt goes on without: ")
    assert "\n" not in line
    assert state.streams == 60


def test_a_server_that_takes_calls_and_never_answers_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "ANSWER_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(SysletError, match=r"^redis://127.0.0.1:\d+: [Tt]imeout .*$"):
            database.database_at(f"redis://127.0.0.1:{port}", pytest.fail)


def test_the_command_says_in_one_line_that_nobody_answers(tmp_path: Path) -> None:
    done = syslet("fuzz", ENGINE, *FEW, "--database", f"unix://{tmp_path}/none")
    assert (done.returncode, done.stdout.count("find")) == (2, 0)
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"syslet: unix://{tmp_path}/none: ")


def test_what_was_kept_before_the_other_went_away_is_there() -> None:
    class Gone(InMemoryExampleDatabase):
        def fetch(self, key: bytes) -> Iterable[bytes]:
            raise ConnectionError(key)

    told = list[Exception]()
    kept = Leaving(Gone(), (OSError,), told.append)
    kept.save(b"key", b"one")
    for _ in range(2):
        assert list(kept.fetch(b"key")) == [b"one"]
    assert len(told) == 1


def test_wrong_addresses_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wrong = {
        "http://x/": "wanted redis://HOST:PORT/NUMBER, or a directory",
        "redis://127.0.0.1:1": "Connection refused",
        "redis://me:secret@127.0.0.1:99999": "Port out of range",
        "redis://127.0.0.1:x": "Port could not be cast",
        "unix:///nowhere": "No such file",
        str(tmp_path / "file"): "File exists",
    }
    for url, reason in wrong.items():
        with pytest.raises(SysletError, match=reason) as raised:
            database_at(url, pytest.fail)
        assert "\n" not in str(raised.value)
        assert "secret" not in str(raised.value)
