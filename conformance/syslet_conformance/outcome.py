"""From pytest's reports of one test to its result."""

from __future__ import annotations

import re
import shlex
import time

import pytest

from syslet_conformance.calls import Hang
from syslet_conformance.contract import EngineDied, EngineSilent, Talking
from syslet_conformance.inventory import area_of
from syslet_conformance.performed import program_text
from syslet_conformance.plugin import ERROR, EVIDENCE, RIG
from syslet_conformance.results import Evidence, Result
from syslet_conformance.rig import UNJUDGED, Rig
from syslet_conformance.verdicts import FAILED, Verdict
from syslet_layouts import SysletError

REWRITTEN = re.compile(r"(?<=.)\nassert .*\Z", re.DOTALL)
"""What pytest adds to an assertion's own message, where it has rewritten the module."""

MESSAGE_CHARS = 4000
"""Longer messages are cut."""


def name_of(item: pytest.Item) -> str:
    """``area::function[parameters]``."""
    return f"{area_of(item.path.stem)}::{item.name}"


def result_of(
    item: pytest.Item,
    verdict: Verdict,
    message: str = "",
    output: str = "",
    duration_s: float = 0.0,
) -> Result:
    """The result of `item` with this verdict."""
    marker = item.get_closest_marker("checks")
    parameters = getattr(item, "callspec", None)
    abi, mode = ("", None) if parameters is None else parameters.params["rig"]
    rig = item.stash.get(RIG, None)
    backend = item.config.getoption("--syslet-backend")
    given = item.config.getoption("--hypothesis-seed", None)
    seed = ["--seed", str(given)] if given not in (None, "0") else []
    factor = item.config.getoption("--syslet-patience")
    patience = ["--patience", f"{factor:g}"] if factor != 1 else []
    asked = ["--abi", abi] if item.config.getoption("--syslet-abi") else []
    words = ["syslet", "run", backend, "--test", name_of(item), *asked, *seed, *patience]
    judged = verdict not in {Verdict.PASS, Verdict.SKIP}
    return Result(
        test=name_of(item),
        requirements=marker.args if marker else (),
        abi=abi,
        mode=mode,
        verdict=verdict,
        message=message[:MESSAGE_CHARS],
        repeat=shlex.join(words),
        duration_s=round(duration_s, 6),
        program=_program(rig) if judged and rig is not None else "",
        output=output,
        characteristics=dict(rig.characteristics) if rig is not None else {},
        evidence=_evidence(item, rig) if verdict in FAILED else None,
    )


def outcome_of(
    item: pytest.Item, following: pytest.Item | None, *, evidence: bool = True
) -> Result:
    """Run `item`, and say what came of it; `following` is the next one, None after the last.

    `evidence`: where it fails, gather what it did.
    """
    from _pytest.runner import runtestprotocol

    if evidence:
        item.stash[EVIDENCE] = None
    started = time.perf_counter()
    reports = runtestprotocol(item, log=False, nextitem=following)
    spent = time.perf_counter() - started
    for report in reports:
        if report.failed:
            broken = _broken(item, report)
            message = _message(item, report)
            return result_of(item, broken, message, _said(item), duration_s=spent)
    for report in reports:
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            reason = reason.removeprefix("Skipped: ")
            verdict = Verdict.UNJUDGED if reason.startswith(UNJUDGED) else Verdict.SKIP
            return result_of(item, verdict, reason.removeprefix(UNJUDGED), duration_s=spent)
    return result_of(item, Verdict.PASS, duration_s=spent)


def _broken(item: pytest.Item, report: pytest.TestReport) -> Verdict:
    error = item.stash.get(ERROR, None)
    timed_out = "from pytest-timeout" in str(report.longrepr)
    if isinstance(error, EngineDied):
        return Verdict.CRASH
    return Verdict.HANG if timed_out or isinstance(error, Hang | EngineSilent) else Verdict.FAIL


def _message(item: pytest.Item, report: pytest.TestReport) -> str:
    """What the assertion or the error said, without the frames around it."""
    error = item.stash.get(ERROR, None)
    if isinstance(error, SysletError):
        return str(error)
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(report.longrepr if crash is None else crash.message)
    message = re.sub(r"^AssertionError: ", "", message)
    return REWRITTEN.sub("", message)


def _said(item: pytest.Item) -> str:
    """What the engine said meanwhile beside its answers."""
    rig = item.stash.get(RIG, None)
    if rig is None or not isinstance(rig.engine, Talking):
        return ""
    return rig.engine.said.decode(errors="replace")


def _evidence(item: pytest.Item, rig: Rig | None) -> Evidence | None:
    """What was gathered; where the engine took the worker along, that nothing was."""
    if rig is None:
        return Evidence(note="the test's own process is gone, and what it had done with it")
    return item.stash.get(EVIDENCE, None)


def _program(rig: Rig) -> str:
    """The program that the test had loaded last, with the steps that it performed."""
    if not rig.sessions:
        return ""
    return program_text(rig.sessions[-1])
