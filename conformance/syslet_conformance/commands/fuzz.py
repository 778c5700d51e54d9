"""`syslet fuzz`: hunt for streams on which an engine goes wrong, and repeat what was found."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from syslet_conformance.backends import backend_named
from syslet_conformance.foreign import plain
from syslet_conformance.fuzz import coverage
from syslet_conformance.fuzz.campaign import Campaign, Hunt, Limits
from syslet_conformance.fuzz.cluster import cluster_executor
from syslet_conformance.fuzz.corpus import Corpus, State
from syslet_conformance.fuzz.database import database_at
from syslet_conformance.fuzz.finds import KNOWN, Find, read
from syslet_conformance.fuzz.finishing import REPLAYS, Player
from syslet_conformance.fuzz.judge import Judgement
from syslet_conformance.fuzz.promoting import promote as promoted
from syslet_conformance.fuzz.sandbox import why_not
from syslet_conformance.fuzz.work import Spec, end_workers, open_worker
from syslet_layouts import SysletError

DIFFERS = 1
"""Exit status where something was found, or shows again."""

FINDS = Path("finds")
"""Where finds go, unless told otherwise."""

REGRESSIONS = Path("fixtures/regressions")
"""Where promoted finds go, in a checkout."""

_TIME = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m or h."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds."""
        found = _TIME.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r}: wanted seconds, or a number with s, m or h", param, ctx)
        return float(found[1]) * _SECONDS[found[2]]


@click.command("fuzz")
@click.argument("backend", required=False)
@click.option("--abi", help="the ABI, where the engine speaks several")
@click.option("--seed", help="what determines the streams; drawn and told where there is none")
@click.option("--time", "time_s", type=Duration(), help="end after so long: 90, 90s, 15m, 2h")
@click.option("--streams", type=click.IntRange(1), help="end after so many streams")
@click.option("--most-finds", type=click.IntRange(1), help="end after so many different finds")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, help="engines at a time")
@click.option(
    "--corpus", type=click.Path(path_type=Path), help="directory of streams to go on from"
)
@click.option(
    "--finds", type=click.Path(path_type=Path), default=FINDS, help="directory of what is found"
)
@click.option(
    "--cluster", metavar="ADDRESS", help="play on a Dask cluster: its scheduler's address"
)
@click.option(
    "--database", metavar="URL", help="Hypothesis's examples: redis://..., or a directory"
)
@click.option("--no-sandbox", is_flag=True, help="play unconfined: for engines that do no harm")
@click.option(
    "--replay",
    type=click.Path(exists=True, path_type=Path),
    help=f"repeat a find {REPLAYS} times",
)
@click.option(
    "--promote", type=click.Path(exists=True, path_type=Path), help="make a find a regression"
)
@click.option("--checks", "ids", multiple=True, help="with --promote: a requirement it checks")
@click.option(
    "--regressions",
    type=click.Path(path_type=Path),
    default=REGRESSIONS,
    help="with --promote: where to",
)
def command(
    backend: str | None,
    abi: str | None,
    seed: str | None,
    time_s: float | None,
    streams: int | None,
    most_finds: int | None,
    jobs: int,
    corpus: Path | None,
    finds: Path,
    cluster: str | None,
    database: str | None,
    no_sandbox: bool,
    replay: Path | None,
    promote: Path | None,
    ids: tuple[str, ...],
    regressions: Path,
) -> None:
    """Hunt for streams of atoms on which BACKEND differs from the reference.

    Each find is made as small as it can be, and kept as a directory with its program, what was
    expected and got, and how often it repeats. Exit 0 where nothing was found, 1 where something
    was, 2 where the engine could not be played.
    """
    console = Console(highlight=False)
    if promote is not None:
        if not ids:
            raise click.UsageError("--promote wants --checks ID: what the program checks")
        console.print(plain(str(promoted(promote, regressions, ids))), markup=False, soft_wrap=True)
        return
    if replay is not None:
        _replay(console, read(replay), backend, sandboxed=not no_sandbox)
        return
    if backend is None:
        raise click.UsageError("a backend is wanted, such as native, or --replay, or --promote")
    if not no_sandbox and (missing := why_not()):
        raise SysletError(f"{missing}; --no-sandbox plays without")
    seed = seed or secrets.token_hex(4)
    abi = _abi(backend, abi)
    examples = None if database is None else database_at(database, _warn)
    kept = Corpus(corpus) if corpus is not None else None
    state, spec = _start(console, kept, Spec(backend, abi, seed, not no_sandbox))
    engine = _look(spec)
    console.print(f"{plain(engine)}\nseed: {plain(seed)}", markup=False, soft_wrap=True)
    campaign = Campaign(spec, state, finds, corpus=kept, database=examples)
    limits = Limits(time_s, streams, most_finds)
    with _executor(cluster, jobs, spec) as (executor, in_flight):
        _hunt(console, campaign, executor, in_flight, limits)
    _tell_end(console, campaign.hunt)
    if campaign.hunt.finds:
        raise click.exceptions.Exit(DIFFERS)


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
    spec = Spec(spec.backend, spec.abi, spec.seed, spec.sandboxed, tuple(streams))
    return state, spec


def _warn(line: str) -> None:
    click.echo(f"syslet: {plain(line)}", err=True)


def _look(spec: Spec) -> str:
    """Open the engine once: what it is. SysletError where it cannot be opened."""
    worker = open_worker(spec)
    try:
        ready = worker.ready
        sandbox = f"\n{ready['sandbox']}" if ready["sandbox"] else ""
        return f"{ready['name']} {ready['version']} on {spec.abi}{sandbox}"
    finally:
        worker.close()


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


def _replay(console: Console, find: Find, backend: str | None, *, sandboxed: bool) -> None:
    """Play a find again and again; exit 1 where it shows."""
    missing = why_not()
    if sandboxed and missing:
        raise SysletError(f"{missing}; --no-sandbox plays without")
    spec = Spec(backend or find.backend, find.abi, find.seed, sandboxed)
    _abi(spec.backend, find.abi)
    player = Player(spec)
    try:
        seen = player.differences(find.stream, REPLAYS)
    finally:
        player.close()
    for difference, count in seen.most_common():
        console.print(f"{count} of {REPLAYS}: {plain(difference)}", markup=False)
    if seen:
        raise click.exceptions.Exit(DIFFERS)
    console.print(f"0 of {REPLAYS}: it does not differ", markup=False)
