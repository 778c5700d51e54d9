"""The reference with its arena at the same address as an engine's, as a port to play on.

It makes only calls that are harmless to a real engine: a stream that names another one, or a
descriptor of somebody else's, is not judged, and never given to an engine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import count

from syslet_conformance import calls
from syslet_conformance.calls import Call
from syslet_conformance.fuzz.arena import UNKNOWN_NR, Arena
from syslet_conformance.fuzz.cachemiss import missed
from syslet_conformance.fuzz.ground import Ground
from syslet_conformance.fuzz.harmless import Calls, Files, Pages, Unjudged
from syslet_conformance.fuzz.states import States
from syslet_conformance.fuzz.stream import FILL_BYTES
from syslet_layouts import ARGUMENTS, AsyncHeadUser, Flag
from syslet_reference.blocking import Blocked
from syslet_reference.choices import Chooser
from syslet_reference.files import (
    PIPE_ATOMIC_BYTES,
    PIPE_BYTES,
    POLLIN,
    POLLOUT,
    Pipe,
    PipeReadEnd,
    PipeWriteEnd,
)
from syslet_reference.kernel import Call as KernelCall
from syslet_reference.memory import PAGE_BITS, PageFault
from syslet_reference.syslet import Pause, Syslet
from syslet_reference.trace import Event, Trace

MOST_ATOMS = 100
"""A syslet that runs more atoms than that in one go is not judged."""

MOST_TURNS = 1500
"""Nor is a stream with more turns of its syslets."""

MOST_BAD_BYTES = 1 << 16
"""Of more bytes, a kernel may say something else before it looks for their memory."""

_ALONE = Flag.ASYNC | Flag.SYNC | Flag.NO_COMPLETE | Flag.SKIP_TO_NEXT_ON_STOP


class Blocks(Exception):  # noqa: N818 - what it says
    """The call of step `step`, or one at the end where it is None, waits for a later step."""

    def __init__(self, step: int | None) -> None:
        super().__init__(step)
        self.step = step


class Mirror(States):
    """The reference on one ABI, at an engine's arena; see `play.Port`."""

    def __init__(self, arena: Arena, ground: Ground) -> None:
        super().__init__(arena.abi, numbers=ground.numbers)
        pages = self.memory.pages = Pages()
        self._view = self.memory.map_at(arena.base, arena.size_bytes)
        behind, last = arena.base + arena.size_bytes >> PAGE_BITS, arena.abi.word_mask >> PAGE_BITS
        pages.nobodys = frozenset({0, behind, last})
        self._ground = ground
        self._rings = {
            head: arena.base + ring for head, ring in zip(arena.heads, arena.rings, strict=True)
        }
        self._indexes = dict.fromkeys(arena.heads, 0)
        self._no_head, self._getpid = arena.no_head, ground.numbers["getpid"]
        self._main = threading.get_ident()
        self._quiet = threading.Semaphore(0)
        self._started: list[Call] = []
        self._turns = 0
        self._writes = count()
        self.step: int | None = None
        self._files = self.kernel.files = Files()
        self._fds: tuple[int, ...] = ()
        self._restrict_calls(ground)

    def _restrict_calls(self, ground: Ground) -> None:
        kernel, numbers = self.kernel, ground.numbers
        harmless = Calls()
        for nr, result in ground.results.items():
            harmless[nr] = partial(_answer, result)
        del harmless[UNKNOWN_NR]
        harmless.unknown = self._unknown
        harmless[numbers["umem_add"]] = self._umem_add
        harmless[numbers["lseek"]] = kernel.sys_lseek
        for name in ("read", "write"):
            harmless[numbers[name]] = partial(self._transfer, getattr(kernel, f"sys_{name}"))
        kernel.calls = harmless

    def _transfer(self, call: KernelCall, args: Sequence[int]) -> int | Blocked:
        """Read or write; what a kernel does with memory that ends in the middle is left open."""
        file = self._files.get(args[0])
        buffer, count = args[1], args[2]
        is_odd = file is not None and file.poll() not in (POLLIN, POLLOUT)
        if file is not None and not self.memory.is_mapped(buffer, count or 1):
            if not count or count > MOST_BAD_BYTES or self.memory.is_mapped(buffer, 1):
                raise Unjudged("a transfer that no memory is there for")
            if is_odd:
                raise Unjudged("a transfer that would not come to its memory")
        if isinstance(file, PipeReadEnd):
            _check_writers(file)
        result = call(args)
        if isinstance(file, PipeReadEnd):
            _check_room(file)
        # A write that blocks has taken its bytes from memory: it is like no other.
        self._blocks_with = tuple(args) if isinstance(file, PipeReadEnd) else next(self._writes)
        if self._pick is None or isinstance(result, Blocked) or file is None:
            return result
        if self._pick(2):
            self._blocks_with = result
            return missed(result)
        return result

    def _unknown(self, args: Sequence[int]) -> int | Blocked:
        result = _answer(self._ground.results[UNKNOWN_NR], args)
        if self._ground.misses_unknown and self._pick is not None and self._pick(2):
            self._blocks_with = result
            return missed(result)
        return result

    # -- a new stream ------------------------------------------------------------------

    def play_with(
        self,
        chooser: Chooser | None,
        trace: Trace | None = None,
        been: set[Hashable] | None = None,
    ) -> None:
        """As `States` does; Unjudged at what is not aligned, where the engine refuses that."""
        if not self._ground.runs_odd:
            trace = partial(self._see_aligned, trace)
        super().play_with(chooser, trace, been)

    def _see_aligned(self, trace: Trace | None, event: Event) -> None:
        named = [event.detail.get(name, 0) for name in ("pointer", "ret_ptr", "address")]
        for address in (event.atom, *map(int, named)):
            self._check_aligned(address)
        if trace is not None:
            trace(event)

    def _check_aligned(self, address: int) -> None:
        if address % self.abi.word_bytes:
            raise Unjudged("an address that is not aligned, which the engine refuses")

    def _umem_add(self, args: Sequence[int]) -> int | Blocked:
        if not self._ground.runs_odd:
            self._check_aligned(args[0])
        return self.kernel.sys_umem_add(args)

    def pipes_at(self, fds: tuple[int, ...]) -> None:
        """The descriptors of the pipes from the next stream on."""
        self._fds = fds

    def begin(self, data: bytearray) -> None:
        """Forget what was; the pipes are new and empty."""
        self.forget()
        self._turns = 0
        self._indexes = dict.fromkeys(self._indexes, 0)
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
        if isinstance(file, PipeReadEnd):
            _check_writers(file)
        with self._lock:
            data = self.told(file.read(count))
            if isinstance(file, PipeReadEnd):
                _check_room(file)
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

    def _state(self, alternatives: int) -> Hashable:
        rest = super()._state(alternatives)
        return hash((rest, bytes(self._view), *self._indexes.values()))

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

    # -- heads -------------------------------------------------------------------------

    def _descriptor(self, head: int) -> tuple[AsyncHeadUser | None, int]:
        fields, error = super()._descriptor(head)
        if head == self._no_head:
            return fields, error
        if fields is None or fields.completion_ring != self._rings[head]:
            raise Unjudged("a descriptor that the stream wrote over")
        if fields.kernel_ring_idx != self._indexes[head]:
            raise Unjudged("an index of the engine's that the stream wrote over")
        return fields, error

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        index, error = super()._post(syslet)
        if not error:
            at = syslet.head + self.abi.head_offsets["kernel_ring_idx"]
            self._indexes[syslet.head] = self.memory.word(at)
        elif not self._ground.drops:
            raise Unjudged("when the engine delivers an event that found no place")
        return index, error

    # -- what is left open -------------------------------------------------------------

    def _check_async(self, atom: int) -> None:
        """Of an atom that goes asynchronous an engine may see more than that before it does."""
        fields = self._fetch_packed(atom)
        if fields[0] & Flag.SYNC and not self._ground.is_async_first:
            raise Unjudged("an atom that is to go asynchronous and to be waited for")
        if self._ground.reads_late:
            return
        for pointer in fields[self._first_argument :][:ARGUMENTS]:
            if not pointer:
                break
            if not self.memory.is_mapped(pointer, self.abi.word_bytes):
                raise Unjudged("an argument of an asynchronous atom that cannot be read")

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        try:
            return super()._fetch_packed(address)
        except PageFault as fault:
            private = address + self.abi.atom_offsets["private"] & self.abi.word_mask
            if fault.address == private:
                raise Unjudged("six arguments, cut off before private") from None
            place = self.abi.atom_places[0]
            flags = address + place.offset & self.abi.word_mask
            if self.memory.is_mapped(flags, place.size_bytes):
                data = self.memory.read(flags, place.size_bytes)
                if int.from_bytes(data, self.abi.byteorder) & Flag.ASYNC:
                    raise Unjudged("an atom that is cut off and goes asynchronous") from None
            raise

    # -- limits ------------------------------------------------------------------------

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise Unjudged("a stream of too many turns")
        pause = super()._run(syslet, min(atoms, MOST_ATOMS))
        if pause is Pause.FAULTED and syslet.asynchronous and not self._ground.enters_faults:
            raise Unjudged("what a background fault leaves")
        if pause is Pause.GOES_ASYNC:
            self._check_async(syslet.atom)
        if pause is Pause.TURN_OVER and atoms > MOST_ATOMS:
            raise Unjudged("a syslet of too many atoms")
        return pause


def _check_writers(file: PipeReadEnd) -> None:
    """Of several writers that wait, Linux may leave some waiting though there is room for all."""
    if len(file.pipe.data) == PIPE_BYTES and len(file.pipe.parked) > 1:
        raise Unjudged("which of several writers go on")


def _check_room(file: PipeReadEnd) -> None:
    """How much of a page is room for a writer is a kernel's own affair."""
    if 0 < PIPE_BYTES - len(file.pipe.data) < PIPE_ATOMIC_BYTES:
        raise Unjudged("a full pipe that has room for a part of a page")


def _answer(result: int, args: Sequence[int]) -> int:
    del args
    return result
