"""The native engine as an object: memory, pipes and the two calls, in this process."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import select
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from syslet_layouts import Abi, SysletError
from syslet_native._engine import ffi, lib

ABI_NAME = {4: "ilp32", 8: "lp64"}[ffi.sizeof("long")] + f"-{sys.byteorder[0]}e"
"""The ABI of this process."""

MEANS = {
    "nowait": lib.SYSLET_MEANS_NOWAIT,
    "io_uring": lib.SYSLET_MEANS_URING,
    "perf": lib.SYSLET_MEANS_PERF,
    "aio": lib.SYSLET_MEANS_AIO,
}
"""How the engine notices and outlasts a call that blocks: names to bits of the header."""

CACHED_RETURNS = ("first", "final")
"""What exec returns of a cached chain."""

PAGE = mmap.PAGESIZE
FEED_BYTES = select.PIPE_BUF
"""What goes into a pipe whole or not at all."""


def _at_once(
    fd: int, move: Callable[..., int], buffers: list[Any], event: int, what: str
) -> int | None:
    """How many bytes were moved, or None where it would block: syslets move some meanwhile.

    A pipe that splice has touched knows no RWF_NOWAIT: there, poll looks first.
    """
    try:
        try:
            return move(fd, buffers, -1, os.RWF_NOWAIT)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
        ready = select.poll()
        ready.register(fd, event)
        return move(fd, buffers, -1, 0) if ready.poll(0) else None
    except BlockingIOError:
        return None
    except OSError as error:
        raise SysletError(f"native: {what} of descriptor {fd}: {error.strerror}") from None


class NativeEngine:
    """The engine of this process, which may run once at a time.

    `without` names means (see `MEANS`) not to use; `cached_return` is ``first`` or ``final``.
    SysletError where it runs already, or an option is unknown.
    """

    _lib = lib
    """Whose calls they are: in a subclass, those of another engine's library."""

    def __init__(
        self, abi: Abi, *, without: Iterable[str] = (), cached_return: str = "first"
    ) -> None:
        if abi.name != ABI_NAME:
            raise SysletError(f"native: this process is {ABI_NAME}, wanted {abi.name}")
        unknown = sorted(set(without) - set(MEANS))
        if unknown:
            raise SysletError(f"native: without {unknown[0]!r}; wanted {', '.join(MEANS)}")
        if cached_return not in CACHED_RETURNS:
            wanted = " or ".join(CACHED_RETURNS)
            raise SysletError(f"native: cached_return {cached_return!r}; wanted {wanted}")
        self.abi = abi
        self._mapped: dict[int, tuple[int, int]] = {}
        self._fds: set[int] = set()
        self._lock = threading.Lock()
        self._closed = False
        options = ffi.new("struct syslet_options *")
        options.size = ffi.sizeof("struct syslet_options")
        options.without = sum(MEANS[name] for name in set(without))
        options.return_final = CACHED_RETURNS.index(cached_return)
        error = self._lib.syslet_start(options)
        if error:
            raise SysletError(f"native: {os.strerror(-error)}: one engine a process")

    # -- memory ------------------------------------------------------------------------

    def map(self, size_bytes: int) -> int:
        """Map zeroed memory that ends where an unmapped page starts."""
        pages = -(-size_bytes // PAGE) * PAGE
        flags = lib.MAP_PRIVATE | lib.MAP_ANONYMOUS
        base = lib.mmap(ffi.NULL, pages + PAGE, lib.PROT_NONE, flags, -1, 0)
        start = int(ffi.cast("uintptr_t", base))
        if start == 2 ** (8 * ffi.sizeof("void *")) - 1:
            raise SysletError(f"native: map of {size_bytes} bytes: {os.strerror(ffi.errno)}")
        if lib.mprotect(base, pages, lib.PROT_READ | lib.PROT_WRITE):
            lib.munmap(base, pages + PAGE)
            raise SysletError(f"native: map of {size_bytes} bytes: {os.strerror(ffi.errno)}")
        address = start + pages - size_bytes
        self._mapped[address] = start, pages + PAGE
        return address

    def unmap(self, address: int) -> None:
        """Unmap what `map` returned. SysletError where it did not."""
        if address not in self._mapped:
            raise SysletError(f"native: unmap of {address:#x}: it is not mapped")
        start, size = self._mapped.pop(address)
        lib.munmap(ffi.cast("void *", start), size)

    def read(self, address: int, count: int) -> bytes:
        """Read memory. SysletError where it is not mapped."""
        data = ffi.new("char[]", count)
        if self._lib.syslet_copy(data, ffi.cast("void *", address), count):
            raise SysletError(f"native: read of {count} bytes at {address:#x}: not mapped")
        return bytes(ffi.buffer(data, count))

    def write(self, address: int, data: bytes) -> None:
        """Write memory. SysletError where it is not mapped."""
        source = ffi.from_buffer(data)
        if self._lib.syslet_copy(ffi.cast("void *", address), source, len(data)):
            raise SysletError(f"native: write of {len(data)} bytes at {address:#x}: not mapped")

    def window(self, address: int, count: int) -> memoryview:
        """A view of memory that `map` gave, to be used only while that is mapped. SysletError."""
        for base, (start, size) in self._mapped.items():
            if base <= address and address + count <= start + size - PAGE:
                return memoryview(ffi.buffer(ffi.cast("char *", address), count)).cast("B")
        raise SysletError(f"native: window of {count} bytes at {address:#x}: not mapped")

    # -- descriptors -------------------------------------------------------------------

    def syscall_number(self, name: str) -> int | None:
        """The number that an atom's nr takes for a call, or None."""
        number = self._lib.syslet_number(name.encode())
        return None if number < 0 else number

    def pipe(self) -> tuple[int, int]:
        """A new pipe's (read end, write end)."""
        try:
            ends = os.pipe()
        except OSError as error:
            raise SysletError(f"native: pipe: {error.strerror}") from None
        self._fds.update(ends)
        return ends

    def feed(self, fd: int, data: bytes) -> None:
        """Write into a pipe; SysletError where it does not take all of it at once."""
        taken = 0
        while taken < len(data):
            part = _at_once(fd, os.pwritev, [data[taken:][:FEED_BYTES]], select.POLLOUT, "feed")
            if part is None:
                raise SysletError(f"native: feed of {len(data)} bytes to {fd}: took {taken}")
            taken += part

    def drain(self, fd: int, count: int) -> bytes:
        """Up to `count` bytes that are there."""
        data, taken = bytearray(count), 0
        while taken < count:
            part = _at_once(fd, os.preadv, [memoryview(data)[taken:]], select.POLLIN, "drain")
            if not part:
                break
            taken += part
        return bytes(data[:taken])

    def close_fd(self, fd: int) -> None:
        """Close a descriptor. SysletError where it is not open."""
        self._fds.discard(fd)
        try:
            os.close(fd)
        except OSError as error:
            raise SysletError(f"native: close of descriptor {fd}: {error.strerror}") from None

    # -- the two calls -----------------------------------------------------------------

    def exec(self, atom: int, head: int) -> int:
        """``sys_async_exec``: its return word."""
        returned = self._lib.sys_async_exec(
            ffi.cast("struct syslet_uatom *", atom), ffi.cast("struct async_head_user *", head)
        )
        return int(ffi.cast("uintptr_t", returned))

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        """``sys_async_wait``: its return word."""
        returned = self._lib.sys_async_wait(
            min_events, user_ring_idx, ffi.cast("struct async_head_user *", head)
        )
        return int(returned) & self.abi.word_mask

    # -- life --------------------------------------------------------------------------

    def statistics(self) -> dict[str, int]:
        """What the engine counts: see ``struct syslet_statistics``."""
        counted = ffi.new("struct syslet_statistics *")
        self._lib.syslet_statistics(counted, ffi.sizeof("struct syslet_statistics"))
        fields = ffi.typeof("struct syslet_statistics").fields
        return {name: getattr(counted, name) for name, _ in fields if name != "reserved"}

    def means(self) -> list[str]:
        """The means that it uses here; without any, workers make every call that may block."""
        bits = self.statistics()["means"]
        return [name for name, bit in MEANS.items() if bits & bit]

    def close(self) -> None:
        """End it: blocked syslets are dropped, calls return, memory and pipes are gone."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._lib.syslet_shutdown()
        for fd in self._fds:
            with contextlib.suppress(OSError):
                os.close(fd)
        self._fds.clear()
        for address in list(self._mapped):
            self.unmap(address)
