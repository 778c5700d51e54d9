"""What a report of 200,000 results of 20 engines costs.

``python bench/report.py [REPEATS]`` prints the median ratio of two runs measured in turn: the whole
of `syslet report` (every file of the folder) to `json.loads` of the same lines (goal: under 4); and
the peak memory of a process that makes the report beside that of one that holds all its results.
Where there are a Chromium and selenium, also how long the published page takes to open, beside as
many bytes of plain text.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from syslet_conformance.cli import group
from syslet_conformance.registry import REQUIREMENTS
from syslet_conformance.results import SCHEMA_VERSION, Header, Result, from_line, to_line
from syslet_conformance.verdicts import Verdict

ENGINES, TESTS = 20, 1000
ABIS = ("ilp32-le", "ilp32-be", "lp64-le", "lp64-be", "fixed64-le")
MODES = ("cached", "async")

PAGE = Path(__file__).parent.parent / "reports" / "index.html"

LOADED = "return performance.getEntriesByType('navigation')[0].loadEventEnd"


def write_results(folder: Path) -> list[Path]:
    """A file for each engine, as a run writes it; one test in 100 fails."""
    ids = list(REQUIREMENTS)
    paths = []
    for number in range(ENGINES):
        backend = f"exec:engine-{number}"
        header = Header(
            schema=SCHEMA_VERSION,
            suite="0.1.0",
            backend=backend,
            engine=f"engine-{number}",
            engine_version="1.0",
            engine_build="gcc-12.2",
            host="Linux x86_64",
            seed=0,
            started="2026-01-01T00:00:00+00:00",
        )
        paths.append(folder / f"{number}.jsonl")
        with paths[-1].open("wb") as file:
            file.write(to_line(header))
            for abi in ABIS:
                for mode in MODES:
                    for test in range(TESTS):
                        name = f"chaining::test_an_atom_does_what_it_says[{mode}-{abi}-{test}]"
                        failed = (test + number) % 100 == 0
                        file.write(
                            to_line(
                                Result(
                                    test=name,
                                    requirements=(ids[test % len(ids)], ids[-1]),
                                    abi=abi,
                                    mode=mode,
                                    verdict=Verdict.FAIL if failed else Verdict.PASS,
                                    message="expected 1, got 2 at ret_ptr" if failed else "",
                                    repeat=f"syslet run {backend} --test '{name}'",
                                    duration_s=0.001234,
                                    characteristics={"overflow-fate": "dropped"},
                                )
                            )
                        )
    return paths


def load(paths: list[Path]) -> float:
    """Seconds of processor time for the lines as Python's own JSON values, one at a time."""
    started = time.process_time()
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                json.loads(line)
    return time.process_time() - started


def report(paths: list[Path], folder: Path) -> float:
    """Seconds of processor time for the command."""
    started = time.process_time()
    group(["report", *map(str, paths), "-o", str(folder)], standalone_mode=False)
    return time.process_time() - started


def hold(paths: list[Path]) -> int:
    """Hold every result; how many."""
    held = [from_line(line, "") for path in paths for line in path.open("rb")]
    return len(held)


def peak_mb(task: str, folder: Path) -> float:
    """The peak memory of a process of its own that does the task."""
    words = [sys.executable, __file__, task, str(folder)]
    return float(subprocess.run(words, capture_output=True, check=True, text=True).stdout)


def opened_ms(pages: list[Path], repeats: int) -> list[float]:
    """Of each page the median milliseconds until it is loaded and its script has run."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = str(shutil.which("chromium"))
    service = webdriver.ChromeService(str(shutil.which("chromedriver")))
    driver = webdriver.Chrome(options=options, service=service)
    found: list[list[float]] = [[] for _ in pages]
    try:
        for _ in range(repeats + 1):
            for page, times in zip(pages, found, strict=True):
                driver.get("about:blank")
                driver.get(page.as_uri())
                times.append(float(driver.execute_script(LOADED)))
    finally:
        driver.quit()
    return [statistics.median(times[1:]) for times in found]


def child(task: str, folder: Path) -> None:
    paths = sorted(folder.glob("*.jsonl"))
    if task == "report":
        report(paths, folder / "out")
    elif task == "hold":
        hold(paths)
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def main() -> None:
    if len(sys.argv) > 2:
        child(sys.argv[1], Path(sys.argv[2]))
        return
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_results(folder)
        size_mb = sum(path.stat().st_size for path in paths) / 1e6
        runs = [(load(paths), report(paths, folder / "out")) for _ in range(repeats)]
        ratio = statistics.median(whole / bare for bare, whole in runs)
        bare = statistics.median(bare for bare, _ in runs)
        print(f"{ENGINES * TESTS * len(ABIS) * len(MODES)} results, {size_mb:.0f} MB")
        print(f"syslet report / json.loads: {ratio:.2f} of {bare:.2f} s (goal < 4)")
        idle, made, held = (peak_mb(task, folder) for task in ("idle", "report", "hold"))
        print(f"peak memory: {made:.0f} MB; holding all {held:.0f} MB; imports alone {idle:.0f} MB")
        if not shutil.which("chromedriver") or importlib.util.find_spec("selenium") is None:
            print("page: not opened, no chromedriver or no selenium")
            return
        text = folder / "text.txt"
        text.write_bytes(b"syslet " * (PAGE.stat().st_size // 7))
        page, plain = opened_ms([PAGE, text], repeats)
        size = PAGE.stat().st_size / 1e6
        print(f"page of {size:.2f} MB: open in {page:.0f} ms; as much plain text in {plain:.0f} ms")


if __name__ == "__main__":
    main()
