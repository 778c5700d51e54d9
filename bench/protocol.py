"""What the engine protocol costs: a round trip, and a whole run of the suite.

``python bench/protocol.py [REPEATS]`` prints medians of ratios that were measured in turn (goals:
at most 3): of a request and its answer to as many bytes there and back through ``cat``; and of the
suite on the native engine in the engine host to the same in process, with a worker for each
processor and with one. One worker and its engine take turns, so that each request wakes a
processor that sleeps: there most of the time is the machine's.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from syslet_conformance.backends import backend_named
from syslet_conformance.protocol import ProtocolEngine
from syslet_layouts import abi_named
from syslet_native.build_host import engine_path

ROUND_TRIPS = 20_000
REQUEST = b"12345 peek 0x7ffff7fb0000 4\n"
SYSLET = (sys.executable, "-c", "from syslet_conformance.cli import main; main()")


def ping_pong() -> float:
    """Seconds for a round trip between two processes that do nothing with it."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as cat:
        assert cat.stdin is not None
        assert cat.stdout is not None
        there, back = cat.stdin.fileno(), cat.stdout.fileno()
        started = time.perf_counter()
        for _ in range(ROUND_TRIPS):
            os.write(there, REQUEST)
            os.read(back, 4096)
        return (time.perf_counter() - started) / ROUND_TRIPS


def request(backend: str) -> float:
    """Seconds for a peek of a word."""
    chosen = backend_named(backend)
    engine = chosen.open(abi_named(chosen.abis[0]))
    assert isinstance(engine, ProtocolEngine)
    address = engine.map(64)
    started = time.perf_counter()
    for _ in range(ROUND_TRIPS):
        engine.read(address, 4)
    spent = time.perf_counter() - started
    engine.close()
    return spent / ROUND_TRIPS


def run(backend: str, jobs: int) -> float:
    """Seconds for the suite; it must pass."""
    started = time.perf_counter()
    words = [*SYSLET, "run", backend, "--jobs", str(jobs)]
    subprocess.run(words, capture_output=True, check=True)
    return time.perf_counter() - started


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    library = f"lib:{engine_path('lp64')}"
    trips = [(ping_pong(), request(library)) for _ in range(repeats)]
    trip = statistics.median(asked / bare for bare, asked in trips)
    print(f"round trip / ping-pong {trip:.2f} (goal <= 3)")
    for jobs in sorted({len(os.sched_getaffinity(0)), 1}, reverse=True):
        runs = [(run("native", jobs), run(library, jobs)) for _ in range(max(repeats // 2, 1))]
        whole = statistics.median(over / inside for inside, over in runs)
        print(f"suite over the protocol / in process, --jobs {jobs}: {whole:.2f} (goal <= 3)")


if __name__ == "__main__":
    main()
