"""Hunts every mutant that a fuzzer has to find, cold, and prints what came of it as Markdown.

``python tests/fuzz_proof.py [--jobs N] [NAME...]``: a row for each mutant, or for those that are
named. Exit 1 where one is not found within `MOST_STREAMS` and `MOST_S`, keeps more atoms than
`MOST_ATOMS`, or does not show again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import fuzz_c_mutants
import fuzz_python_mutants

from syslet_conformance.backends import backend_named
from syslet_conformance.fuzz.campaign import Campaign, Hunt, Limits
from syslet_conformance.fuzz.corpus import State
from syslet_conformance.fuzz.finds import Find
from syslet_conformance.fuzz.work import Spec, end_workers, first_worker
from syslet_native.c_compiler import why_not
from syslet_native.engine import ABI_NAME

SEED = "proof"
MOST_STREAMS, MOST_S, MOST_ATOMS = 200_000, 60.0, 4

HEADER = """\
| engine | what is wrong | streams | seconds | atoms | steps | difference | repeats |
| :-- | :-- | --: | --: | --: | --: | :-- | --: |"""


@dataclass(slots=True)
class Proof:
    """What came of the hunt of one mutant; `find` is None where it was not found."""

    name: str
    wrong: str
    streams: int
    """Until the first find; all of them where there is none."""
    seconds: float
    """Until the first find, from where the engine is opened; shrinking comes behind it."""
    find: Find | None = None

    @property
    def holds(self) -> bool:
        """Whether it was found in time, is small, and shows again."""
        if self.find is None or self.streams > MOST_STREAMS or self.seconds > MOST_S:
            return False
        return self.find.repeated > 0 and len(self.find.stream.atoms) <= MOST_ATOMS

    @property
    def row(self) -> str:
        """The row of the table."""
        start = f"| {self.name} | {self.wrong} | {self.streams:,} | {self.seconds:.1f} |"
        find = self.find
        if find is None:
            return f"{start} | | **not found** | |"
        atoms, steps = len(find.stream.atoms), len(find.stream.steps)
        difference = find.difference.replace("|", "\\|")
        repeats = f"{find.repeated} of {find.replays}"
        return f"{start} {atoms} | {steps} | {difference} | {repeats} |"


def hunted(
    backend: str,
    *,
    seed: str = SEED,
    streams: int = MOST_STREAMS,
    time_s: float = MOST_S,
) -> tuple[Find | None, int, float]:
    """The first find of a cold hunt, shrunk; the streams and the seconds until it was there."""
    abi = backend_named(backend).abis[0]
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # of the children
    since = time.monotonic()
    worker, spec, _ = first_worker(Spec(backend, abi, seed, sandboxed=True))
    worker.close()
    found: list[tuple[Find, float]] = []

    def tell(hunt: Hunt) -> None:
        if hunt.finds and not found:
            found.append((next(iter(hunt.finds.values()))[0], time.monotonic() - since))

    with (
        tempfile.TemporaryDirectory(prefix="syslet-") as directory,
        ThreadPoolExecutor(1) as executor,
    ):
        campaign = Campaign(spec, State(backend, abi, seed), Path(directory), tell=tell)
        campaign.run(executor, 1, Limits(time_s, streams, finds=1))
        took_s = time.monotonic() - since
        end_workers(spec)
    if not found:
        return None, campaign.hunt.streams, took_s
    first, found_s = found[0]
    (shrunk, _), *_ = campaign.hunt.finds.values()
    return shrunk, first.batch * spec.streams + first.number + 1, found_s


def built(name: str) -> tuple[str, str]:
    """The backend of a mutant, built, and what is wrong with it. KeyError where there is none."""
    if name in fuzz_python_mutants.CAUGHT:
        wrong = getattr(fuzz_python_mutants, name).__doc__.splitlines()[0].rstrip(".")
        return f"python:fuzz_python_mutants:{name}", wrong
    mutant = fuzz_c_mutants.MUTANTS[name]
    with tempfile.TemporaryDirectory(prefix="syslet-") as directory:
        library = fuzz_c_mutants.build(mutant, Path(directory))
    in_process = ABI_NAME in mutant.abis
    return f"python:fuzz_c_mutants:{name}" if in_process else f"lib:{library}", mutant.wrong


def proof(name: str) -> Proof:
    """One mutant hunted."""
    backend, wrong = built(name)
    find, streams, seconds = hunted(backend)
    return Proof(name, wrong, streams, seconds, find)


def to_be_had() -> list[str]:
    """The names of all mutants, but those with 32-bit words where no compiler has them."""
    of_c = fuzz_c_mutants.MUTANTS.values()
    here = [mutant.name for mutant in of_c if mutant.word != "ilp32" or not why_not("ilp32")]
    return [*here, *fuzz_python_mutants.CAUGHT]


def main(jobs: int, names: list[str]) -> int:
    """Print the table; 0 where each row holds."""
    print(HEADER, flush=True)
    holds = True
    with ThreadPoolExecutor(jobs) as executor:
        for found in executor.map(proof, names or to_be_had()):
            print(found.row, flush=True)
            holds &= found.holds
    return int(not holds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="mutants hunted at a time")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    sys.exit(main(given.jobs, given.names))
