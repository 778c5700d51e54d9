"""A hunt, and what was found, as people see it in a terminal."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from syslet_conformance.backends import backend_named
from syslet_conformance.foreign import plain
from syslet_conformance.fuzz import coverage, promoting
from syslet_conformance.fuzz.campaign import Campaign, Hunt, Limits
from syslet_conformance.fuzz.cluster import cluster_executor
from syslet_conformance.fuzz.corpus import Corpus, State
from syslet_conformance.fuzz.database import database_at
from syslet_conformance.fuzz.finds import KNOWN, Find, read
from syslet_conformance.fuzz.finishing import Player, replayed
from syslet_conformance.fuzz.judge import Judgement
from syslet_conformance.fuzz.sandbox import why_not
from syslet_conformance.fuzz.work import Spec, end_workers, first_worker
from syslet_layouts import SysletError

__all__ = ["Asked", "Limits", "hunt", "promote", "replay"]

DIFFERS = 1
"""Exit status where something was found, or shows again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a hunt: see the command's options."""

    backend: str
    abi: str | None
    seed: str | None
    limits: Limits
    jobs: int
    corpus: Path | None
    finds: Path
    cluster: str | None
    database: str | None
    sandboxed: bool


def hunt(asked: Asked) -> None:
    """Hunt, and say what came of it. Exits with `DIFFERS` where something was found."""
    console = _console()
    _check_sandbox(asked.sandboxed)
    seed, abi = asked.seed or secrets.token_hex(4), _abi(asked.backend, asked.abi)
    examples = None if asked.database is None else database_at(asked.database, _warn)
    kept = Corpus(asked.corpus) if asked.corpus is not None else None
    state, spec = _start(console, kept, Spec(asked.backend, abi, seed, asked.sandboxed))
    spec, looks = _look(spec)
    console.print(f"{plain(looks)}\nseed: {plain(seed)}", markup=False, soft_wrap=True)
    campaign = Campaign(spec, state, asked.finds, corpus=kept, database=examples)
    with _executor(asked.cluster, asked.jobs, spec) as (executor, in_flight):
        _hunt(console, campaign, executor, in_flight, asked.limits)
    _tell_end(console, campaign.hunt)
    if campaign.hunt.finds:
        raise click.exceptions.Exit(DIFFERS)


def promote(find: Path, regressions: Path, ids: tuple[str, ...]) -> None:
    """Make a find a regression, and say where it is."""
    kept = promoting.promote(find, regressions, ids)
    _console().print(plain(str(kept)), markup=False, soft_wrap=True)


def replay(path: Path, backend: str | None, *, sandboxed: bool) -> None:
    """Play a find again and again. Exits with `DIFFERS` where it shows."""
    console, find = _console(), read(path)
    _check_sandbox(sandboxed)
    spec = Spec(backend or find.backend, find.abi, find.seed, sandboxed)
    _abi(spec.backend, find.abi)
    player = Player(spec)
    try:
        seen, replays = replayed(player, find.stream, find.difference)
    finally:
        player.close()
    for difference, count in seen.most_common():
        console.print(f"{count} of {replays}: {plain(difference)}", markup=False)
    if seen:
        raise click.exceptions.Exit(DIFFERS)
    console.print(f"0 of {replays}: it does not differ", markup=False)


def _console() -> Console:
    return Console(highlight=False)


def _check_sandbox(sandboxed: bool) -> None:
    if sandboxed and (missing := why_not()):
        raise SysletError(f"{missing}; --no-sandbox plays without")


def _abi(backend: str, abi: str | None) -> str:
    kind = backend_named(backend, [abi] if abi else [])
    if abi is not None and abi not in kind.abis:
        raise SysletError(f"--abi {abi}: {kind.name} speaks {', '.join(kind.abis)}")
    return abi or kind.abis[0]


def _start(console: Console, corpus: Corpus | None, spec: Spec) -> tuple[State, Spec]:
    """How far an earlier run of this hunt came, and the streams of the corpus."""
    state = State(spec.backend, spec.abi, spec.seed)
    if corpus is None:
        return state, spec
    streams, wrong = corpus.streams()
    state, why = corpus.state(state)
    for line in [*wrong, *([why] if why else [])]:
        _warn(line)
    if state.next_batch:
        console.print(f"goes on behind {state.streams:,} streams", markup=False)
    return state, replace(spec, corpus=tuple(streams))


def _warn(line: str) -> None:
    click.echo(f"syslet: {plain(line)}", err=True)


def _look(spec: Spec) -> tuple[Spec, str]:
    """Open the engine once: how it is opened again, and what it is. SysletError where it cannot be.

    What it is judged by where it could not be asked is the reference.
    """
    worker, spec, ended_when_asked = first_worker(spec)
    worker.close()
    ready = worker.ready
    lines = [f"{ready['name']} {ready['version']} on {spec.abi}"]
    lines += [ready["sandbox"]] if ready["sandbox"] else []
    lines += [
        f"not to be asked for {question}, judged as the reference: {how}"
        for question, how in ended_when_asked.items()
    ]
    return spec, "\n".join(lines)


@contextmanager
def _executor(cluster: str | None, jobs: int, spec: Spec) -> Iterator[tuple[Executor, int]]:
    """What plays the batches, and how many are given to it at a time."""
    if cluster is not None:
        with cluster_executor(cluster, spec) as (executor, threads):
            yield executor, 2 * threads
        return
    try:
        with ThreadPoolExecutor(jobs) as executor:
            yield executor, jobs + 1
    finally:
        end_workers(spec)


def _hunt(
    console: Console, campaign: Campaign, executor: Executor, in_flight: int, limits: Limits
) -> None:
    """Hunt, with progress where there is a terminal; Ctrl-C ends it as a limit does."""
    with Live(console=console, transient=True, refresh_per_second=4) as live:

        def tell(hunt: Hunt) -> None:
            live.update(_progress(hunt))

        if console.is_terminal:
            campaign.tell = tell
        try:
            with campaign.interrupt.caught():
                campaign.play_known()
                campaign.run(executor, in_flight, limits)
        except KeyboardInterrupt:
            live.update(Text("interrupted: what is being played is ended"))


def _progress(hunt: Hunt) -> Text:
    reached = sum(1 for feature in coverage.EXPECTED if hunt.state.features[feature])
    finds = len(hunt.finds)
    return Text(
        f"{hunt.state.streams:,} streams  {hunt.streams_a_second:,.0f}/s  "
        f"coverage {reached}/{len(coverage.EXPECTED)}  finds {finds}",
        overflow="ellipsis",
        no_wrap=True,
    )


def _tell_end(console: Console, hunt: Hunt) -> None:
    state = hunt.state
    console.print(f"{state.streams:,} streams, {hunt.streams_a_second:,.0f} a second", markup=False)
    counts = (
        f"{state.judgements[name]:,} {name}" for name in Judgement if name in state.judgements
    )
    console.print(", ".join(counts), markup=False)
    if state.features:
        console.print(_coverage(state))
    for find, path in hunt.finds.values():
        _tell_find(console, find, path)
    if hunt.again:
        console.print(f"{hunt.again:,} more differ as these do", markup=False)


def _coverage(state: State) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("reached")
    table.add_column("of", justify="right")
    table.add_column("rarest, in streams", overflow="fold")
    for group, reached, members, rare in coverage.table(state.features, state.streams):
        table.add_row(group, f"{reached}/{members}", rare)
    return table


def _tell_find(console: Console, find: Find, path: Path) -> None:
    atoms, steps = len(find.stream.atoms), len(find.stream.steps)
    often = f"{find.repeated} of {find.replays} plays"
    varies = " (varies)" if find.varies else ""
    console.print(Text(f"find  {plain(find.difference)}", style="red"))
    known = ", known to the database" if find.batch == KNOWN else ""
    console.print(f"  {atoms} atoms, {steps} steps, shows in {often}{varies}{known}", markup=False)
    console.print(f"  {plain(str(path))}", markup=False, soft_wrap=True)
    console.print(
        f"  repeat: syslet fuzz --replay {plain(str(path))}", markup=False, soft_wrap=True
    )
