"""How fast the native engine is: every kind of work as a ratio to its floor in the same run.

    python bench/native [FOLDER]

The C programs beside this file are compiled with the engine's sources and run in turn. The
table is printed and written to FOLDER (by default the folder `results` here) as
`table.txt`, with a plot of it as `table.svg` where matplotlib is installed. Rows that need
liburing are skipped, by name, where its header is not installed.
"""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from syslet_native import build_engine
from syslet_native.c_compiler import BuildFailed, compile_c, compiler

HERE = Path(__file__).parent
PASSES = 3
"""How often each program is run: where its code and stack lie differs from run to run."""

ROUNDS = {"chain": "15", "reads": "15", "cachemiss": "10", "handover": "8"}
BLOCKED_WAYS = (("engine", "uring"), ("threads",))
"""What is run in turn. Threads come last: the kernel takes its time to give back what it had for
10,000 of them, which would be taken for the memory of whoever came next."""

BLOCKED_PASSES = 5
LENGTHS = tuple(10**power for power in range(7))
WIDTH = 112
NO_LIBURING = "skipped: liburing-dev is not installed"

Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Row:
    """One line of the table: the median over the rounds of a value by that of its peer."""

    work: str
    value: str
    peer: str
    peer_name: str
    unit: str
    goal: float | None = None
    """The most that the ratio may be; None: for comparison."""


ROWS = (
    Row("chain of 64 getpid, an atom", "chain", "inlined", "inlined syscall", "ns", 1.05),
    Row("chain of 64 getpid, an atom", "chain", "libc", "libc syscall()", "ns", 1.0),
    Row("64 linked NOPs, each", "uring-nops", "libc", "libc syscall()", "ns"),
    Row("syslets of one atom, an exec", "one", "libc", "libc syscall()", "ns", 1.10),
    Row("NOPs one by one, each", "uring-nop", "libc", "libc syscall()", "ns"),
    Row("chain of 32 cached preads, each", "reads-chain", "pread", "pread loop", "ns", 0.85),
    Row("chain of 32 cached preads, each", "reads-chain", "reads-nowait", "preadv2 alone", "ns"),
    Row("the same by preadv2 alone, each", "reads-nowait", "pread", "pread loop", "ns"),
    Row("the same by pread64 alone, each", "reads-inlined", "pread", "pread loop", "ns"),
    Row("32 reads by io_uring, each", "reads-uring", "pread", "pread loop", "ns"),
    Row("empty pipe until NULL, alone", "exec-alone", "uring-alone", "submit + peek", "ns", 1.5),
    Row("empty pipe until NULL, alone", "exec-alone", "calls-alone", "its four calls", "ns"),
    Row("its four calls, alone", "calls-alone", "uring-alone", "submit + peek", "ns"),
    Row(
        "empty pipe until NULL, 64 in a row",
        "exec-in-a-row",
        "uring-in-a-row",
        "submit + peek",
        "ns",
        1.5,
    ),
    Row("empty pipe until NULL, 64 in a row", "exec-in-a-row", "calls-in-a-row", "its calls", "ns"),
    Row("its four calls, 64 in a row", "calls-in-a-row", "uring-in-a-row", "submit + peek", "ns"),
    Row("10,000 blocked: create", "engine-create-ms", "uring-create-ms", "io_uring", "ms", 2.0),
    Row("10,000 blocked: finish", "engine-finish-ms", "uring-finish-ms", "io_uring", "ms", 2.0),
    Row("10,000 blocked: memory each", "engine-kib", "uring-kib", "io_uring", "KiB", 2.0),
    Row("10,000 blocked: create", "engine-create-ms", "threads-create-ms", "threads", "ms", 1.0),
    Row("10,000 blocked: finish", "engine-finish-ms", "threads-finish-ms", "threads", "ms", 1.0),
    Row("10,000 blocked: memory each", "engine-kib", "threads-kib", "threads", "KiB", 1.0),
    Row("completion, waiter spins", "syslet-spin", "futex-spin", "a word stored", "ns", 1.3),
    Row("completion, waiter sleeps", "syslet-sleep", "futex-sleep", "futex wake", "ns", 1.3),
)


def build(folder: Path, cc: list[str], liburing: bool) -> None:
    """Compile each program with the engine's sources and flags into folder."""
    include = [f"-I{build_engine.HERE / name}" for name in ("include", "src")]
    options = ["-DWITH_LIBURING"] if liburing else []
    libraries = ["-luring"] if liburing else []
    for program in sorted(HERE.glob("*.c")):
        command = [*cc, *build_engine.cflags(cc), *options, *include, str(program)]
        command += [str(source) for source in build_engine.SOURCES]
        subprocess.run([*command, "-o", str(folder / program.stem), *libraries], check=True)


def has_liburing(folder: Path, cc: list[str]) -> bool:
    probe = folder / "probe.c"
    probe.write_text("#include <liburing.h>\nint main(void) { return 0; }\n")
    try:
        compile_c([*cc, str(probe), "-luring", "-o", str(folder / "probe")])
    except BuildFailed:
        return False
    return True


def run(folder: Path, program: str, *arguments: str) -> Samples:
    """What the program said, by name."""
    command = [str(folder / program), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    samples: Samples = defaultdict(list)
    for line in ran.stdout.splitlines():
        name, value = line.split()
        samples[name].append(float(value))
    return samples


def measure(folder: Path, liburing: bool) -> Samples:
    """Every sample of every program; the names of reads.c and blocked.c get a prefix."""
    samples: Samples = defaultdict(list)
    for _ in range(PASSES):
        for program, rounds in ROUNDS.items():
            for name, values in run(folder, program, rounds).items():
                unclear = program == "reads" and name != "pread"
                samples[f"reads-{name}" if unclear else name] += values
    for ways in BLOCKED_WAYS:
        for way in BLOCKED_PASSES * [way for way in ways if way != "uring" or liburing]:
            for name, values in run(folder, "blocked", way).items():
                samples[f"{way}-{name.removeprefix('memory-')}"] += values
    return samples


def ratio(samples: Samples, row: Row) -> float:
    """The median of the ratios of neighbours in time."""
    pairs = zip(samples[row.value], samples[row.peer], strict=True)
    return statistics.median(value / peer for value, peer in pairs)


def table_of(samples: Samples) -> Table:
    table = Table(title="The native engine beside its floors (medians; goals are for ratios)")
    for heading in ("work", "here", "peer", "", "unit", "ratio", "goal", "met"):
        side = "left" if heading in ("work", "", "unit") else "right"
        table.add_column(heading, justify="right" if side == "right" else "left")
    for row in ROWS:
        goal = "" if row.goal is None else f"{row.goal:.2f}"
        if not samples[row.value] or not samples[row.peer]:
            table.add_row(row.work, "", "", row.peer_name, row.unit, NO_LIBURING, goal, "")
            continue
        here, peer = (statistics.median(samples[name]) for name in (row.value, row.peer))
        got = ratio(samples, row)
        met = "" if row.goal is None else "yes" if got <= row.goal else "no"
        cells = (f"{here:.4g}", f"{peer:.4g}", row.peer_name, row.unit, f"{got:.2f}", goal, met)
        table.add_row(row.work, *cells)
    table.add_section()
    costs = {length: min(samples[f"length-{length}"]) for length in LENGTHS}
    for length, cost in costs.items():
        work, than = f"an atom in a chain of {length:,}", costs[1000]
        numbers = (f"{cost:.4g}", f"{than:.4g}")
        table.add_row(work, *numbers, "one of 1,000", "ns", f"{cost / than:.2f}", "", "")
    return table


def plot(samples: Samples, path: Path) -> str | None:
    """Write the ratios beside their goals; what kept it from that, or None."""
    try:
        figures = importlib.import_module("matplotlib.figure")
    except ImportError:
        return "plot skipped: matplotlib is not installed"
    rows = [row for row in ROWS if samples[row.value] and samples[row.peer]][::-1]
    figure = figures.Figure(figsize=(9, 0.4 * len(rows) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    ratios = [ratio(samples, row) for row in rows]
    met = [row.goal is None or got <= row.goal for row, got in zip(rows, ratios, strict=True)]
    axes.barh(range(len(rows)), ratios, color=["#4c78a8" if it else "#e45756" for it in met])
    for at, row in enumerate(rows):
        if row.goal is not None:
            axes.plot([row.goal, row.goal], [at - 0.45, at + 0.45], color="black")
    axes.set_yticks(range(len(rows)), [f"{row.work} / {row.peer_name}" for row in rows])
    axes.set_xscale("log")
    axes.set_xlabel("ratio to the peer in the same run (black: the goal; red: missed)")
    figure.savefig(path)
    return None


def main() -> None:
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "results"
    try:
        cc = compiler()
    except BuildFailed as failure:
        sys.exit(str(failure))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        liburing = has_liburing(folder, cc)
        build(folder, cc, liburing)
        samples = measure(folder, liburing)
    results.mkdir(parents=True, exist_ok=True)
    table = table_of(samples)
    Console(width=WIDTH).print(table)
    with (results / "table.txt").open("w") as file:
        Console(file=file, width=WIDTH).print(table)
    said = plot(samples, results / "table.svg")
    if said is not None:
        print(said)


if __name__ == "__main__":
    main()
