"""The folder of a report: every file is made before any of them replaces the old one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from syslet_conformance.badge import badge, badge_svg
from syslet_conformance.foreign import shown_path
from syslet_conformance.junit import Cases
from syslet_conformance.report import Report
from syslet_conformance.report_markdown import markdown
from syslet_conformance.report_page import page
from syslet_layouts import SysletError

NEW_PREFIX = ".syslet-report-"
"""Of the folder within it where new files are made. One that is left over from a writer that was
killed goes when the next report is written."""

Pieces = Iterable[bytes]
Writers = dict[str, Callable[[], Pieces]]
"""File name to what makes its content, in the order in which they replace the old ones."""


def write_report(report: Report, folder: Path, cases: Cases | None = None) -> None:
    """Make the report's files in `folder`; ``junit.xml`` where there are `cases`.

    SysletError where that cannot be done; the files that were there are then as they were.
    """
    write_files(folder, writers(report, cases))


def writers(report: Report, cases: Cases | None = None) -> Writers:
    """What goes into the folder. ``report.json`` is the last: where it is new, all are."""
    found: Writers = {}
    if cases is not None:
        found["junit.xml"] = lambda: cases.pieces(report.engines)
    found["badge.svg"] = lambda: [badge_svg(report).encode()]
    found["badge.json"] = lambda: [msgspec.json.encode(badge(report)) + b"\n"]
    found["report.md"] = lambda: [markdown(report).encode()]
    found["index.html"] = lambda: (piece.encode() for piece in page(report))
    found["report.json"] = lambda: [as_json(report)]
    return found


def as_json(report: Report) -> bytes:
    """The bytes of ``report.json``."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def check_folder(folder: Path) -> None:
    """SysletError where `folder` is something else already."""
    if folder.exists() and not folder.is_dir():
        raise SysletError(f"{shown_path(folder)}: no folder, wanted one for the report")


def write_files(folder: Path, writers: Writers) -> None:
    """Make all files of `writers` in a folder within `folder`, then move them to their places."""
    check_folder(folder)
    made = _make(folder)
    try:
        with _held(folder) as new:
            for name, pieces in writers.items():
                if (folder / name).is_dir():
                    raise SysletError(f"{shown_path(folder / name)}: a folder, wanted a file")
                with (new / name).open("wb") as file:
                    file.writelines(pieces())
                    file.flush()
                    os.fsync(file.fileno())
            with _undisturbed():
                for name in writers:
                    os.replace(new / name, folder / name)
            made = []
    except OSError as error:
        why = error.strerror or error
        raise SysletError(f"{shown_path(folder)}: {why}, wanted a folder to write to") from None
    finally:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir()


def _make(folder: Path) -> list[Path]:
    """The folders that had to be made, outermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SysletError(f"{shown_path(folder)}: {error.strerror}, wanted a folder") from None
    return missing[::-1]


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """A new folder within it, for one writer at a time."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SysletError(
                f"{shown_path(folder)}: another report is being written there"
            ) from None
        for left in folder.glob(f"{NEW_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix=NEW_PREFIX, dir=folder))
        try:
            yield new
        finally:
            shutil.rmtree(new, ignore_errors=True)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """No Ctrl-C and no polite end between the first file and the last."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
