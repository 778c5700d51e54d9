"""The reference with its arena at the same address as an engine's, as a port to play on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from syslet_conformance import calls
from syslet_conformance.calls import Call
from syslet_conformance.fuzz.arena import Arena
from syslet_conformance.fuzz.ground import Ground
from syslet_conformance.fuzz.harmless import Unjudged
from syslet_conformance.fuzz.left_open import LeftOpen, check_room, check_writers
from syslet_conformance.fuzz.stream import FILL_BYTES
from syslet_layouts import Flag
from syslet_reference.files import (
    Pipe,
    PipeReadEnd,
    PipeWriteEnd,
)

_ALONE = Flag.ASYNC | Flag.SYNC | Flag.NO_COMPLETE | Flag.SKIP_TO_NEXT_ON_STOP


class Blocks(Exception):  # noqa: N818 - what it says
    """The call of step `step`, or one at the end where it is None, waits for a later step."""

    def __init__(self, step: int | None) -> None:
        super().__init__(step)
        self.step = step


class Mirror(LeftOpen):
    """The reference on one ABI, at an engine's arena; see `play.Port`."""

    def __init__(self, arena: Arena, ground: Ground) -> None:
        super().__init__(arena, ground)
        self._main = threading.get_ident()
        self._quiet = threading.Semaphore(0)
        self._started: list[Call] = []
        self.step: int | None = None
        self._fds: tuple[int, ...] = ()

    # -- a new stream ------------------------------------------------------------------

    def pipes_at(self, fds: tuple[int, ...]) -> None:
        """The descriptors of the pipes from the next stream on."""
        self._fds = fds

    def begin(self, data: bytearray) -> None:
        """Forget what was; the pipes are new and empty."""
        self.forget()
        self._started.clear()
        files = self._files
        files.clear()
        files.ends = self._fds
        for number in (0, 2):
            pipe = Pipe()
            files[self._fds[number]] = PipeReadEnd(pipe)
            files[self._fds[number + 1]] = PipeWriteEnd(pipe)
            files[self._fds[number]].descriptors = files[self._fds[number + 1]].descriptors = 1
        self._view[:] = data

    # -- the port ----------------------------------------------------------------------

    def fds(self, *, used: bool) -> tuple[int, ...]:
        """The same as on the engine."""
        del used
        return self._fds

    def get(self, offset: int, count: int) -> bytes:
        """Bytes of the arena; what runs beside the program may run on before they are read."""
        self.asked()
        if self._runnable:
            with self._lock:
                self._settle()
        return self.told(bytes(self._view[offset : offset + count]))

    def put(self, offset: int, data: bytes) -> None:
        """Store bytes in the arena."""
        self._view[offset : offset + len(data)] = data

    def feed(self, pipe: int, data: bytes) -> None:
        """Write into a pipe, as far as there is room."""
        reads, writes = (dict.get(self._files, fd) for fd in self._fds[2 * pipe : 2 * pipe + 2])
        if writes is not None and reads is not None:
            if len(data) == FILL_BYTES and reads.poll():
                raise Unjudged("how much fills a pipe that is not empty")
            if len(data) == FILL_BYTES and reads.waits_on().parked:
                raise Unjudged("how much fills a pipe that is read meanwhile")
            self.asked()
            with self._lock:
                writes.write(data)
                self._settle()

    def drain(self, pipe: int, count: int) -> bytes:
        """Read what is there."""
        file = dict.get(self._files, self._fds[2 * pipe])
        if file is None:
            return b""
        self.asked()
        check_writers(file)
        with self._lock:
            data = self.told(file.read(count))
            check_room(file)
            self._settle()
        return data if isinstance(data, bytes) else b""

    def close(self, end: int | None = None) -> None:
        """Close an end."""
        if end is None:
            super().close()
            return
        file = self._files[self._fds[end]]
        if isinstance(file, PipeReadEnd | PipeWriteEnd) and not file.poll() and file.pipe.parked:
            raise Unjudged("a descriptor that is closed under a call that waits for it")
        self.asked()
        self.close_fd(self._fds[end])

    def exec(self, atom: int, head: int) -> int:
        """Exec. With a head that is not there, only what does nothing but go asynchronous."""
        if head == self._no_head and not self._does_nothing(atom):
            raise Unjudged("what runs before a head is found not to be there")
        self.asked()
        return self.told(super().exec(atom, head))

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        """Wait."""
        self.asked()
        return self.told(super().wait(min_events, user_ring_idx, head))

    def _does_nothing(self, atom: int) -> bool:
        """Whether it is one atom, asynchronous, with a call that stores nothing."""
        abi = self.abi
        if not self.memory.is_mapped(atom, abi.atom_size):
            return False
        fields = abi.atom_struct.unpack(self.memory.read(atom, abi.atom_size))
        flags, nr, *pointers = fields[:5]
        return flags & _ALONE == Flag.ASYNC and nr == self._getpid and not any(pointers)

    def start_exec(self, atom: int, head: int) -> Call:
        """Exec that only a later step lets go."""
        return self._start(partial(self.exec, atom, head))

    def start_wait(self, min_events: int, user_ring_idx: int, head: int) -> Call:
        """Wait that only a later step lets go."""
        return self._start(partial(self.wait, min_events, user_ring_idx, head))

    def _start(self, function: Callable[[], int]) -> Call:
        def made() -> int:
            try:
                return function()
            finally:
                self._quiet.release()

        call = calls.make("call", made)
        self._started.append(call)
        return call

    def join(self, call: Call) -> int:
        """The return word. Unjudged where nothing lets it go."""
        self._until_all_wait()
        if not call.returned:
            raise Unjudged("a caller that nothing lets go")
        return call.join()

    def _is_elsewhere(self) -> bool:
        return bool(self._started)

    def settled(self) -> None:
        """A step is over: what it let go has returned, or waits again; others run as chosen."""
        if self._started:
            self._until_all_wait()
        self.asked()
        if self._runnable:
            with self._lock:
                self._settle()

    def _until_all_wait(self) -> None:
        while True:
            with self._lock:
                waiting = self._changed.count
            running = sum(not call.returned for call in self._started)
            if waiting >= running:
                return
            self._quiet.acquire(timeout=0.01)

    def _outwait(self) -> None:
        if threading.get_ident() == self._main:
            raise Blocks(self.step)
        self._quiet.release()
        super()._outwait()
