"""What descriptors stand for: pipe ends, small files, the console. No memory, no atoms.

`read` and `write` answer bytes or a count, a negative errno, or None where they would block;
`waits_on` says what to wait for then.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EBADF, EINVAL, EPIPE, ESPIPE

from syslet_reference.blocking import Waitable

PIPE_BYTES = 65536
"""Capacity of a pipe."""

PIPE_ATOMIC_BYTES = 4096
"""A write of up to this many bytes goes into a pipe whole or not at all."""

POLLIN, POLLOUT, POLLHUP, POLLERR = 0x1, 0x4, 0x10, 0x8


class OpenFile:
    """An open file description; several descriptors may share one after dup."""

    is_for_reading = is_for_writing = True
    """What it was opened for: the other calls are -EBADF, before memory is looked at."""

    def __init__(self) -> None:
        self.descriptors = 0

    def read(self, count: int) -> bytes | int | None:  # noqa: ARG002
        """Up to `count` bytes, a negative errno, or None: it would block."""
        return -EBADF

    def write(self, data: bytes) -> int | None:  # noqa: ARG002
        """How many bytes were taken, a negative errno, or None: it would block."""
        return -EBADF

    def lseek(self, offset: int, whence: int) -> int:  # noqa: ARG002
        """The new position, or a negative errno."""
        return -ESPIPE

    def poll(self) -> int:
        """The POLL* bits that hold now."""
        return POLLIN | POLLOUT

    def waits_on(self) -> Waitable:
        """What changes when a call that would block may go on."""
        raise AssertionError(f"{type(self).__name__} never blocks")

    def close(self) -> None:
        """The last descriptor is gone."""


class Pipe(Waitable):
    """The bytes between two ends."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()
        self.has_reader = True
        self.has_writer = True


class PipeReadEnd(OpenFile):
    is_for_writing = False

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self.pipe = pipe

    def read(self, count: int) -> bytes | int | None:
        pipe = self.pipe
        if pipe.data:
            taken = bytes(pipe.data[:count])
            del pipe.data[:count]
            if taken:
                pipe.wake_all()
            return taken
        return None if pipe.has_writer and count else b""

    def poll(self) -> int:
        pipe = self.pipe
        return (POLLIN if pipe.data else 0) | (0 if pipe.has_writer else POLLHUP)

    def waits_on(self) -> Waitable:
        return self.pipe

    def close(self) -> None:
        self.pipe.has_reader = False
        self.pipe.wake_all()


class PipeWriteEnd(OpenFile):
    is_for_reading = False

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self.pipe = pipe

    def write(self, data: bytes) -> int | None:
        pipe = self.pipe
        if not data:
            return 0
        if not pipe.has_reader:
            return -EPIPE
        room = PIPE_BYTES - len(pipe.data)
        if room < min(len(data), PIPE_ATOMIC_BYTES):
            return None
        taken = data[:room]
        pipe.data += taken
        if taken:
            pipe.wake_all()
        return len(taken)

    def poll(self) -> int:
        pipe = self.pipe
        if not pipe.has_reader:
            return POLLOUT | POLLERR
        return POLLOUT if PIPE_BYTES - len(pipe.data) >= PIPE_ATOMIC_BYTES else 0

    def waits_on(self) -> Waitable:
        return self.pipe

    def close(self) -> None:
        self.pipe.has_writer = False
        self.pipe.wake_all()


class SmallFile(OpenFile):
    """A file in memory with a position; at most `LIMIT_BYTES`."""

    LIMIT_BYTES = 1 << 20

    def __init__(self, content: bytearray) -> None:
        super().__init__()
        self.content = content
        self.position = 0

    def read(self, count: int) -> bytes:
        taken = bytes(self.content[self.position : self.position + count])
        self.position += len(taken)
        return taken

    def write(self, data: bytes) -> int:
        taken = data[: max(self.LIMIT_BYTES - self.position, 0)]
        if taken:
            gap = self.position - len(self.content)
            self.content += bytes(max(gap, 0))
            self.content[self.position : self.position + len(taken)] = taken
            self.position += len(taken)
        return len(taken)

    def lseek(self, offset: int, whence: int) -> int:
        start = {0: 0, 1: self.position, 2: len(self.content)}.get(whence)
        if start is None or start + offset < 0:
            return -EINVAL
        self.position = start + offset
        return self.position


class Console(OpenFile):
    """Descriptors 0, 1 and 2: nothing to read; what is written goes to `put`."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        super().__init__()
        self._put = put

    def read(self, count: int) -> bytes:  # noqa: ARG002 - the console is at its end
        return b""

    def write(self, data: bytes) -> int:
        self._put(data)
        return len(data)
