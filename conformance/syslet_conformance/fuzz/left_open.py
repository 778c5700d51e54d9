"""The reference where all that is left open, has no end or is not harmless is not judged.

It makes only calls that are harmless to a real engine: a stream that names another one, or a
descriptor of somebody else's, is never given to an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import count

from syslet_conformance.fuzz.arena import UNKNOWN_NR, Arena
from syslet_conformance.fuzz.cachemiss import missed
from syslet_conformance.fuzz.ground import Ground
from syslet_conformance.fuzz.harmless import Calls, Files, Pages, Unjudged
from syslet_conformance.fuzz.states import States
from syslet_layouts import ARGUMENTS, AsyncHeadUser, Flag
from syslet_reference.blocking import Blocked
from syslet_reference.choices import Chooser
from syslet_reference.files import (
    PIPE_ATOMIC_BYTES,
    PIPE_BYTES,
    POLLIN,
    POLLOUT,
    OpenFile,
    PipeReadEnd,
)
from syslet_reference.kernel import Call
from syslet_reference.memory import PAGE_BITS, PageFault
from syslet_reference.syslet import Pause, Syslet
from syslet_reference.trace import Event, Trace

MOST_ATOMS = 100
"""A syslet that runs more atoms than that in one go is not judged."""

MOST_TURNS = 1500
"""Nor is a stream with more turns of its syslets."""

MOST_BAD_BYTES = 1 << 16
"""Of more bytes, a kernel may say something else before it looks for their memory."""


class LeftOpen(States):
    """The reference on one ABI, with memory at an engine's arena, and no more than is harmless.

    Its calls raise Unjudged. What an engine answered otherwise than the reference, as `Ground` has
    it, is open as well.
    """

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
        labels = arena.labels
        self._kept = arena.base + labels["a.read"], arena.base + labels["s"]
        self.reaches_kept = False
        """Whether a read of this stream's may go over its descriptors, rings or heads."""
        self._no_head, self._getpid = arena.no_head, ground.numbers["getpid"]
        self._turns = 0
        self._writes = count()
        self._files = self.kernel.files = Files()
        self._syslet: Syslet | None = None
        self._calls = self._harmless(ground)
        self._fine_calls = Calls({nr: partial(self._call, do) for nr, do in self._calls.items()})
        self._fine_calls.unknown = partial(self._call, self._unknown)

    def play_with(
        self,
        chooser: Chooser | None,
        trace: Trace | None = None,
        been: set[Hashable] | None = None,
        *,
        finely: bool = False,
    ) -> None:
        """As it is; `finely`, others may also go on before the call of an atom, and behind it.

        An engine loads arguments, calls, and stores the result one after the other.
        """
        super().play_with(chooser, trace, been)
        self.kernel.calls = self._fine_calls if finely else self._calls

    def forget(self) -> None:
        """A stream begins."""
        super().forget()
        self._turns = 0
        self.reaches_kept = False
        self._indexes = dict.fromkeys(self._indexes, 0)

    # -- calls -------------------------------------------------------------------------

    def _harmless(self, ground: Ground) -> Calls:
        kernel, numbers = self.kernel, ground.numbers
        harmless = Calls()
        for nr, result in ground.results.items():
            if nr != UNKNOWN_NR:
                harmless[nr] = partial(_answer, result)
        harmless.unknown = self._unknown
        harmless[numbers["umem_add"]] = self._umem_add
        harmless[numbers["lseek"]] = kernel.sys_lseek
        for name in ("read", "write"):
            harmless[numbers[name]] = partial(self._transfer, getattr(kernel, f"sys_{name}"))
        return harmless

    def _transfer(self, call: Call, args: Sequence[int]) -> int | Blocked:
        """Read or write; what a kernel does with memory that ends in the middle is left open."""
        file = self._files.get(args[0])
        buffer, count = args[1], args[2]
        first, behind = self._kept
        if buffer < behind and buffer + count > first and isinstance(file, PipeReadEnd):
            self.reaches_kept = True
        is_odd = file is not None and file.poll() not in (POLLIN, POLLOUT)
        if file is not None and not self.memory.is_mapped(buffer, count or 1):
            if not count or count > MOST_BAD_BYTES or self.memory.is_mapped(buffer, 1):
                raise Unjudged("a transfer that no memory is there for")
            if is_odd:
                raise Unjudged("a transfer that would not come to its memory")
        check_writers(file)
        result = call(args)
        check_room(file)
        # A write that blocks has taken its bytes from memory: it is like no other.
        self._blocks_with = tuple(args) if isinstance(file, PipeReadEnd) else next(self._writes)
        return result if isinstance(result, Blocked) else self._may_miss(result)

    def _unknown(self, args: Sequence[int]) -> int | Blocked:
        del args
        result = self._ground.results[UNKNOWN_NR]
        return self._may_miss(result) if self._ground.misses_unknown else result

    def _may_miss(self, result: int) -> int | Blocked:
        """A call that has ended so may as well go asynchronous."""
        if self._pick is None or not self._pick(2):
            return result
        self._blocks_with = result
        return missed(result)

    # -- between loading, calling and storing ------------------------------------------

    def _call(self, call: Call, args: Sequence[int]) -> int | Blocked:
        """Make the call, or let others go on first."""
        if self._others_first():
            self._blocks_with = "loaded", *args
            return _Point(lambda: self._came(call(args)))
        return self._came(call(args))

    def _came(self, result: int | Blocked) -> int | Blocked:
        """What a call came to, or let others go on before that is stored."""
        if isinstance(result, Blocked):
            retry = result.retry
            result.retry = lambda: self._came(retry())
        elif self._others_first():
            self._blocks_with = "called", result
            return _Point(lambda: result)
        return result

    def _others_first(self) -> bool:
        assert self._pick is not None
        assert self._syslet is not None
        return bool((self._runnable or self._syslet.asynchronous) and self._pick(2))

    # -- what is not aligned -----------------------------------------------------------

    def _traced(self, trace: Trace | None) -> Trace | None:
        return trace if self._ground.runs_odd else partial(self._see_aligned, trace)

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

    def _tells_meanwhile(self, head: int) -> bool:
        state = self._heads.get(head)
        return not (state and state.errors and self._pick is not None and self._pick(2))

    # -- faults, ASYNC and limits ------------------------------------------------------

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

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise Unjudged("a stream of too many turns")
        self._syslet = syslet
        pause = super()._run(syslet, min(atoms, MOST_ATOMS))
        if pause is Pause.FAULTED and syslet.asynchronous and not self._ground.enters_faults:
            raise Unjudged("what a background fault leaves")
        if pause is Pause.GOES_ASYNC:
            self._check_async(syslet.atom)
        if pause is Pause.TURN_OVER and atoms > MOST_ATOMS:
            raise Unjudged("a syslet of too many atoms")
        return Pause.TURN_OVER if isinstance(syslet.blocked, _Point) else pause

    def _state(self, alternatives: int) -> Hashable:
        rest = super()._state(alternatives)
        return hash((rest, bytes(self._view), *self._indexes.values()))


class _Point(Blocked):
    """An atom is in the middle, and waits for nothing: its syslet's turn is over."""

    def __init__(self, retry: Callable[[], int | Blocked]) -> None:
        super().__init__(retry, [])


def check_writers(file: OpenFile | None) -> None:
    """Of several writers that wait, Linux may leave some so though a read makes room for all."""
    if not isinstance(file, PipeReadEnd):
        return
    if len(file.pipe.data) == PIPE_BYTES and len(file.pipe.parked) > 1:
        raise Unjudged("which of several writers go on")


def check_room(file: OpenFile | None) -> None:
    """How much of a page a read makes room for is a kernel's own affair."""
    if isinstance(file, PipeReadEnd) and 0 < PIPE_BYTES - len(file.pipe.data) < PIPE_ATOMIC_BYTES:
        raise Unjudged("a full pipe that has room for a part of a page")


def _answer(result: int, args: Sequence[int]) -> int:
    del args
    return result
