"""Files in and out of the commands: read whole, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from syslet_conformance.program import ProgramError
from syslet_conformance.text import ProgramText, read_text
from syslet_layouts import SysletError

LARGEST_FILE_BYTES = 1 << 28
"""The largest file that a command reads."""


def read_file(path: Path) -> bytes:
    """The bytes of the file. SysletError if it cannot be read, or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise SysletError(f"{path}: {error.strerror or error}, wanted a file to read") from None
    if len(data) > LARGEST_FILE_BYTES:
        raise SysletError(f"{path}: larger than {LARGEST_FILE_BYTES} bytes, wanted a smaller file")
    return data


def read_program(path: Path) -> ProgramText:
    """The program in a ``.syslet`` file. SysletError as `read_file`; ProgramError."""
    data = read_file(path)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ProgramError(
            f"{path}:{line}:{column}: byte {data[error.start]:#04x}, wanted text in UTF-8"
        ) from None
    return read_text(text, str(path))


def write_file(path: Path, data: bytes) -> None:
    """Make `data` the content of the file, or leave it as it was.

    Written beside it and renamed; what is no regular file (a device, a pipe) is written
    to as it is. SysletError if that cannot be done.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        target = path.resolve()
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), mode)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SysletError(f"{path}: {error.strerror or error}, wanted a file to write") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
