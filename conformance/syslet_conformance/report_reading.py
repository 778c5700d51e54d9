"""Reports that were written before, by this version or by another: files of somebody's."""

from __future__ import annotations

from pathlib import Path

import msgspec

from syslet_conformance.foreign import shown, shown_path
from syslet_conformance.report import LETTERS, NO_RESULT, REPORT_SCHEMA, Report
from syslet_conformance.tally import HEADER_CHARS, Tally
from syslet_layouts import SysletError

LARGEST_REPORT_BYTES = 1 << 28

REPORT_FILE = "report.json"

_RESULTS_START = b'{"type":'


class _Schema(msgspec.Struct):
    schema: msgspec.UnsetType | object = msgspec.UNSET


def read_report(path: Path) -> Report:
    """The report of a ``report.json``, or of the folder that has one.

    SysletError where it is something else, of another schema, or does not fit together.
    """
    file = path / REPORT_FILE if path.is_dir() else path
    return report_of(_bytes(file), shown_path(file))


def read_any(path: Path) -> Report:
    """The report of a folder, a ``report.json`` or a file of results, told apart by content."""
    if path.is_dir():
        return read_report(path)
    if _first_bytes(path).startswith(_RESULTS_START):
        tally = Tally()
        tally.read(path)
        return tally.report()
    return read_report(path)


def report_of(data: bytes, where: str) -> Report:
    """The report in these bytes. SysletError that names `where`."""
    try:
        schema = msgspec.json.decode(data, type=_Schema).schema
        if schema != REPORT_SCHEMA:
            found = "no schema" if schema is msgspec.UNSET else f"schema {schema!r:.40}"
            raise SysletError(f"{where}: {found}, wanted a report of schema {REPORT_SCHEMA}")
        report = msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SysletError(f"{where}: not a report: {shown(str(error))}") from None
    letters = set(LETTERS.values()) | {NO_RESULT}
    for engine in report.engines:
        for way, each in engine.each.items():
            if len(each) != len(report.tests) or not letters.issuperset(each):
                raise SysletError(
                    f"{where}: not a report: {shown(way, 80)} has not one verdict for each test"
                )
    for point in report.trend:
        words = (point.engine, point.engine_version, point.backend, point.suite, point.started)
        if max(map(len, words)) > HEADER_CHARS:
            limit = f"more than {HEADER_CHARS} characters"
            raise SysletError(f"{where}: not a report: a point of its trend has {limit}")
    return report


def _first_bytes(path: Path) -> bytes:
    return _bytes(path, len(_RESULTS_START))


def _bytes(path: Path, first: int = LARGEST_REPORT_BYTES + 1) -> bytes:
    wanted = "wanted a report or a file of results"
    try:
        if path.exists() and not path.is_file():
            raise SysletError(f"{shown_path(path)}: no regular file, {wanted}")
        with path.open("rb") as file:
            data = file.read(first)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SysletError(f"{shown_path(path)}: {why}, {wanted}") from None
    if len(data) > LARGEST_REPORT_BYTES:
        raise SysletError(f"{shown_path(path)}: larger than {LARGEST_REPORT_BYTES} bytes")
    return data
