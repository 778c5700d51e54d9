"""`syslet fuzz`: hunt for streams on which an engine goes wrong, and repeat what was found."""

from __future__ import annotations

import re
from pathlib import Path

import click

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
    help="play a find again, 100 times",
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
    # What a hunt needs is large, and no other command's.
    from syslet_conformance.fuzz import console

    if promote is not None:
        if not ids:
            raise click.UsageError("--promote wants --checks ID: what the program checks")
        console.promote(promote, regressions, ids)
    elif replay is not None:
        console.replay(replay, backend, sandboxed=not no_sandbox)
    elif backend is None:
        raise click.UsageError("a backend is wanted, such as native, or --replay, or --promote")
    else:
        console.hunt(
            console.Asked(
                backend=backend,
                abi=abi,
                seed=seed,
                limits=console.Limits(time_s, streams, most_finds),
                jobs=jobs,
                corpus=corpus,
                finds=finds,
                cluster=cluster,
                database=database,
                sandboxed=not no_sandbox,
            )
        )
