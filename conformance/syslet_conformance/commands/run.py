"""`syslet run`: put an engine through the suite, and say requirement by requirement what holds."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

import click
import pytest
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from syslet_conformance.backends import EMBEDDED, Backend, backend_named
from syslet_conformance.evidence import parting
from syslet_conformance.foreign import plain
from syslet_conformance.known_failures import is_known, read_known_failures, stale
from syslet_conformance.outcome import name_of, result_of
from syslet_conformance.patience import be_patient
from syslet_conformance.registry import AREAS, REQUIREMENTS, Level, requirement
from syslet_conformance.results import (
    SCHEMA_VERSION,
    Header,
    Result,
    open_results,
    read_results,
    to_line,
)
from syslet_conformance.run_report import RunReport
from syslet_conformance.supervise import RESTARTS, supervise
from syslet_conformance.verdicts import (
    BROKEN,
    CANNOT_JUDGE,
    FAILED,
    Verdict,
    engine_status,
    worst,
)
from syslet_layouts import SysletError, abi_named

COLOURS = {
    Verdict.PASS: "green",
    Verdict.SKIP: "yellow",
    Verdict.UNJUDGED: "yellow",
    Verdict.FAIL: "red",
    Verdict.HANG: "red",
    Verdict.CRASH: "red",
}

SAID_SHOWN = 1000
"""How many characters are shown of what the engine said on standard error."""

FAILURES_SHOWN = 10
"""How many failures are shown in full; the results file has them all."""

MOST_USUAL_JOBS = 8
"""Most workers that a run of the reference has unless more are asked for."""

LEFT_OUT = (
    "terminal",
    "cacheprovider",
    "logging",
    "setuponly",
    "threadexception",
    "unraisableexception",
    "warnings",
)
"""Plugins of pytest that a run does without: most of them have a part in every test."""


class Judge:
    """A pytest plugin that selects the tests and hands them to supervised workers."""

    def __init__(
        self,
        *,
        jobs: int,
        restarts: int,
        tests: tuple[str, ...],
        ids: frozenset[str],
        done: list[Result],
        sink: IO[bytes] | None,
        console: Console,
    ) -> None:
        self.jobs, self.restarts = jobs, restarts
        self.tests, self.ids, self.sink = frozenset(tests), ids, sink
        self.console, self.results = console, list(done)
        self._known = {result.test for result in done}
        self.interrupted = False
        self.error: SysletError | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that were asked for and have no result yet."""
        items[:] = [item for item in items if self._wanted(item)]

    def _wanted(self, item: pytest.Item) -> bool:
        marker = item.get_closest_marker("checks")
        ids = set(marker.args) if marker else set()
        name = name_of(item)
        return (
            bool(ids & self.ids)
            and (not self.tests or name in self.tests)
            and name not in self._known
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of the suite that does not load: the last line says why."""
        if report.failed and self.error is None:
            *_, why = str(report.longrepr).strip().splitlines()
            self.error = SysletError(f"{report.nodeid}: {why}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run what was collected."""
        if session.testsfailed:
            return True
        with self._progress(len(session.items)) as advance:

            def on_result(result: Result) -> None:
                self.results.append(result)
                if self.sink is not None:
                    self.sink.write(to_line(result))
                    self.sink.flush()
                advance(result)

            try:
                supervise(session.items, self.jobs, result_of, on_result, self.restarts)
            except KeyboardInterrupt:
                self.interrupted = True
            except SysletError as error:
                self.error = error
        return True

    @contextlib.contextmanager
    def _progress(self, total: int) -> Iterator[Callable[[Result], None]]:
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task("", total=total)
            broken = 0

            def advance(result: Result) -> None:
                nonlocal broken
                broken += result.verdict not in {Verdict.PASS, Verdict.SKIP}
                text = f"{broken} not passed" if broken else ""
                progress.update(task, advance=1, description=text)

            yield advance


def usual_jobs(backend: str) -> int:
    """One worker, where the engine itself may run on every processor; the reference does not."""
    return min(len(os.sched_getaffinity(0)), MOST_USUAL_JOBS) if backend == EMBEDDED else 1


@click.command("run")
@click.argument("backend", default="reference")
@click.option("--abi", "abis", multiple=True, help="Only this ABI (repeatable).")
@click.option("--mode", type=click.Choice(["cached", "async"]), help="Only this mode.")
@click.option("-k", "keyword", default="", help="Only tests that match, as in pytest.")
@click.option("--requirement", "ids", multiple=True, help="Only this requirement (repeatable).")
@click.option("--level", type=click.Choice(list(Level)), help="Only requirements of this level.")
@click.option("--test", "tests", multiple=True, help="Only this test, as a failure names it.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="Workers. The reference has one a processor, others one: they may want all of them.",
)
@click.option(
    "--restarts",
    type=click.IntRange(0),
    default=RESTARTS,
    show_default=True,
    help="How often the engine may crash or hang before the run ends.",
)
@click.option(
    "--patience",
    type=click.FloatRange(1),
    default=1.0,
    show_default=True,
    help="Factor of every limit of time: emulators, sanitizers, debuggers.",
)
@click.option("--results", type=click.Path(path_type=Path), help="Append JSON lines to this file.")
@click.option("--report", type=click.Path(path_type=Path), help="Write a report to this folder.")
@click.option("--resume", type=click.Path(path_type=Path), help="Leave out what it has judged.")
@click.option(
    "--known-failures", type=click.Path(path_type=Path), help="TOML: test pattern = reason."
)
@click.option(
    "--seed",
    type=click.IntRange(-(1 << 63), (1 << 63) - 1),
    default=0,
    show_default=True,
    help="For Hypothesis.",
)
@click.pass_context
def command(
    context: click.Context,
    backend: str,
    abis: tuple[str, ...],
    mode: str | None,
    keyword: str,
    ids: tuple[str, ...],
    level: str | None,
    tests: tuple[str, ...],
    jobs: int | None,
    restarts: int,
    patience: float,
    results: Path | None,
    report: Path | None,
    resume: Path | None,
    known_failures: Path | None,
    seed: int,
) -> None:
    """Judge BACKEND. Exit 0: every MUST holds; 1: one does not; 2: it could not be judged."""
    be_patient(patience)
    chosen = backend_named(backend, abis)
    for name in abis:
        abi_named(name)
        if name not in chosen.abis:
            raise SysletError(f"--abi {name}: backend {backend} speaks {', '.join(chosen.abis)}")
    wanted = {requirement(id_).id for id_ in ids} or set(REQUIREMENTS)
    if level:
        wanted = {id_ for id_ in wanted if REQUIREMENTS[id_].level == level}
    console = Console(highlight=False)
    done = read_results(resume) if resume else []
    known = read_known_failures(known_failures) if known_failures else {}
    target = results or resume
    reported = RunReport(report, resume) if report is not None else None
    header = None if target is None and reported is None else _header(chosen, backend, seed)
    with contextlib.ExitStack() as stack:
        sink = None
        if target is not None and header is not None:
            sink = stack.enter_context(open_results(target))
            sink.write(to_line(header))
            sink.flush()
        judge = Judge(
            jobs=jobs or usual_jobs(backend),
            restarts=restarts,
            tests=tests,
            ids=frozenset(wanted),
            done=done,
            sink=sink,
            console=console,
        )
        arguments = ["--pyargs", "syslet_conformance.suite", "-s", "-c", "/dev/null"]
        arguments += [f"-pno:{plugin}" for plugin in LEFT_OUT]
        arguments += [f"--hypothesis-seed={seed}"]
        arguments += [f"--syslet-backend={backend}", *(f"--syslet-abi={name}" for name in abis)]
        arguments += [f"--syslet-mode={mode}"] if mode else []
        arguments += ["-k", keyword] if keyword else []
        arguments += [f"--syslet-patience={patience}"]
        status = pytest.main(arguments, plugins=[judge])
    if not judge.results:
        why = f"no test was collected (pytest status {int(status)})"
        if judge.interrupted or status == pytest.ExitCode.INTERRUPTED:
            why = "interrupted: no test was judged by then"
        raise judge.error or SysletError(why)
    everything, set_aside = judge.results, 0
    if known:
        judge.results = [r for r in everything if r.verdict not in FAILED or not is_known(known, r)]
        set_aside = len(everything) - len(judge.results)
    code = _summary(console, judge, wanted, restricted=bool(keyword or tests))
    if set_aside:
        console.print(f"{set_aside} known failures set aside")
    for line in stale(known, everything):
        console.print(f"[red]{escape(line)}[/]")
        code = code or BROKEN
    if reported is not None and header is not None:
        reported.write(header, everything[len(done) :], known, _why_ended(judge))
    if judge.error is not None:
        raise judge.error
    context.exit(CANNOT_JUDGE if judge.interrupted else code)


def _header(chosen: Backend, backend: str, seed: int) -> Header:
    engine = chosen.open(abi_named(chosen.abis[0]))
    try:
        described = engine.describe()
    finally:
        engine.close()
    return Header(
        schema=SCHEMA_VERSION,
        suite=version("syslet-conformance"),
        backend=backend,
        engine=described.name,
        engine_version=described.version,
        engine_build=described.build,
        host=f"{platform.system()} {platform.release()} {platform.machine()}",
        seed=seed,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _why_ended(judge: Judge) -> str:
    """Why not everything was judged; "" where it was."""
    if judge.error is not None:
        return str(judge.error)
    return "interrupted" if judge.interrupted else ""


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _summary(console: Console, judge: Judge, wanted: set[str], *, restricted: bool) -> int:
    """Failures first, then a row for each area; the exit status."""
    by_id: dict[str, list[Verdict]] = {}
    for result in judge.results:
        for id_ in result.requirements:
            if id_ in wanted:
                by_id.setdefault(id_, []).append(result.verdict)
    verdicts = {id_: worst(found) for id_, found in by_id.items()}
    broken = [r for r in judge.results if r.verdict not in {Verdict.PASS, Verdict.SKIP}]
    for result in broken[:FAILURES_SHOWN]:
        colour = COLOURS[result.verdict]
        named = f"{', '.join(result.requirements)}  {escape(result.test)}"
        console.print(f"[{colour}]{result.verdict}[/]  {named}", soft_wrap=True)
        console.print(escape(plain(result.message.strip())), style="dim", soft_wrap=True)
        for line in parting(result.evidence) if result.evidence else ():
            console.print(escape(plain(line)), style="dim", soft_wrap=True)
        if result.output.strip() and result.output.strip() not in result.message:
            console.print("it said on standard error:", style="dim", soft_wrap=True)
            console.print(
                escape(plain(result.output.strip())[-SAID_SHOWN:]), style="dim", soft_wrap=True
            )
        console.print(f"  repeat: {escape(result.repeat)}\n", soft_wrap=True)
    if len(broken) > FAILURES_SHOWN:
        console.print(f"... and {len(broken) - FAILURES_SHOWN} more\n")
    for area in AREAS:
        rows = {i: v for i, v in verdicts.items() if REQUIREMENTS[i].area == area}
        if not rows:
            continue
        counts = {v: list(rows.values()).count(v) for v in Verdict}
        said = ", ".join(f"[{COLOURS[v]}]{n} {v}[/]" for v, n in counts.items() if n)
        console.print(f"{area:<12}{said}")
        for id_, verdict in rows.items():
            if verdict is not Verdict.PASS:
                console.print(f"  [{COLOURS[verdict]}]{verdict}[/]  {id_}")
    facts = {k: v for result in judge.results for k, v in result.characteristics.items()}
    for key, value in sorted(facts.items()):
        console.print(f"{escape(key)}: {escape(value)}")
    if judge.interrupted or judge.error is not None:
        console.print("interrupted: this is what was judged by then")
    untested = sorted(wanted - set(verdicts))
    if untested:
        console.print(f"not judged: {len(untested)} of {len(wanted)} requirements have no result")
    abis = {result.abi for result in judge.results if result.abi}
    judged, by = _counted(len(verdicts), "requirement"), _counted(len(judge.results), "test")
    console.print(f"{judged} judged on {_counted(len(abis), 'ABI')} by {by}")
    if not restricted:
        verdicts |= dict.fromkeys(untested, Verdict.UNJUDGED)
    return engine_status(verdicts)
