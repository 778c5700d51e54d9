"""The report of a run, as `syslet run --report` writes it when the run ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from syslet_conformance.junit import Cases
from syslet_conformance.known_failures import matches
from syslet_conformance.report import NOT_PASSED
from syslet_conformance.report_files import check_folder, write_report
from syslet_conformance.report_trend import with_history
from syslet_conformance.results import Header, Result
from syslet_conformance.tally import Tally


class RunReport:
    """Holds what was judged before (`resume`), read before the run appends to it.

    SysletError where `folder` is no folder, or `resume` cannot be read.
    """

    def __init__(self, folder: Path, resume: Path | None) -> None:
        check_folder(folder)
        self._folder, self._cases = folder, Cases()
        self._tally = Tally(self._cases)
        if resume is not None:
            self._tally.read(resume)

    def write(
        self, header: Header, results: Iterable[Result], known: Mapping[str, str], end: str
    ) -> None:
        """Write it, with the results of this run.

        A known failure is one, and noted with its reason. `end` says why the run ended early; ""
        where it did not.
        """
        self._tally.begin(header, "this run")
        for result in results:
            self._tally.take(result, "this run")
            reasons = [reason for pattern, reason in known.items() if matches(pattern, result.test)]
            if reasons and result.verdict in NOT_PASSED:
                self._tally.note(f"{result.test}: a known failure: {reasons[0]}")
        if end:
            self._tally.note(f"the run ended early: {end}")
        report = self._tally.report()
        with_history(report, [])
        with self._cases:
            write_report(report, self._folder, self._cases)
