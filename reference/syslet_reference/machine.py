"""What syslets run on: a process's memory and descriptors, reached from outside of it.

One lock guards a machine, whoever calls; whoever waits for what another call brings waits for
`_changed`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from errno import EINVAL

from syslet_layouts import Abi, SysletError
from syslet_reference.kernel import Kernel
from syslet_reference.memory import Memory, PageFault


class _Waiters(threading.Condition):
    """Calls that wait for what another call brings; `count`: since the last of those."""

    count = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.count += 1
        return super().wait(timeout)

    def notify_all(self) -> None:
        self.count = 0
        super().notify_all()


class Machine(ABC):
    """Memory, descriptors and system calls on one ABI, and the harness's end of them."""

    def __init__(
        self, abi: Abi, console: Callable[[bytes], None], numbers: Mapping[str, int]
    ) -> None:
        self.abi = abi
        self.memory = Memory(abi)
        self.kernel = Kernel(abi, self.memory, console, numbers)
        self._lock = threading.RLock()
        self._changed = _Waiters(self._lock)

    @abstractmethod
    def _enter(self) -> None:
        """A call of the contract begins."""

    @abstractmethod
    def _settle(self) -> None:
        """What a call has let go runs."""

    def _outwait(self) -> None:
        """Wait for what another call brings, with the lock held before and after."""
        self._changed.wait()

    def map(self, size: int) -> int:
        """Map zeroed memory; the byte after it is unmapped."""
        with self._lock:
            return self.memory.map(size)

    def unmap(self, address: int) -> None:
        """Unmap what `map` returned."""
        with self._lock:
            self.memory.unmap(address)

    def read(self, address: int, count: int) -> bytes:
        """Read mapped memory. SysletError where it is not."""
        with self._lock:
            self._enter()
            try:
                return self.memory.read(address, count)
            except PageFault as fault:
                raise SysletError(f"read of {count} bytes at {address:#x}: {fault}") from None

    def write(self, address: int, data: bytes) -> None:
        """Write mapped memory. SysletError where it is not."""
        with self._lock:
            self._enter()
            try:
                self.memory.write(address, data)
            except PageFault as fault:
                raise SysletError(f"write of {len(data)} bytes at {address:#x}: {fault}") from None

    def syscall_number(self, name: str) -> int | None:
        """The number of a call that atoms can name, or None."""
        return self.kernel.number(name)

    def pipe(self) -> tuple[int, int]:
        """A new pipe's (read end, write end)."""
        with self._lock:
            return self.kernel.pipe()

    def feed(self, fd: int, data: bytes) -> None:
        """Write `data` into a pipe; SysletError where it does not take all of it at once."""
        with self._lock:
            self._enter()
            file = self.kernel.files.get(fd)
            taken = -EINVAL if file is None else file.write(data)
            if taken != len(data):
                raise SysletError(f"feed of {len(data)} bytes to descriptor {fd}: took {taken}")
            self._settle()

    def drain(self, fd: int, count: int) -> bytes:
        """Up to `count` bytes that are there to be read."""
        with self._lock:
            self._enter()
            file = self.kernel.files.get(fd)
            data = -EINVAL if file is None else file.read(count)
            if isinstance(data, int):
                raise SysletError(f"drain of descriptor {fd}: errno {-data}")
            self._settle()
            return data or b""

    def close_fd(self, fd: int) -> None:
        """Close a descriptor. SysletError where it is not open."""
        with self._lock:
            if self.kernel.close(fd):
                raise SysletError(f"close of descriptor {fd}: it is not open")
            self._settle()

    def waiting_calls(self) -> int:
        """How many of exec and wait are blocked until another call lets them go on."""
        return self._changed.count
