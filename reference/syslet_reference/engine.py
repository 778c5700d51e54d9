"""The thin stateful shell: fetch the atom, load arguments, call, store, ask, post.

What anything means is decided in `semantics`, `ring` and `kernel`; this file keeps the
order. One lock guards it all; `exec` and `wait` may be called from several threads, and
give the lock away while they block. With a `chooser`, every atom is a point at which the
engine may go on with another runnable syslet or with the caller; without, a syslet runs on,
first come first served, until it blocks or its turn of `TURN_ATOMS` is over.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Mapping
from errno import EFAULT, EINTR, EINVAL, ENOSYS

from syslet_layouts import ARGUMENTS, Abi, AsyncHeadUser, Flag, SysletError, decode_head
from syslet_reference import ring
from syslet_reference.blocking import Blocked
from syslet_reference.choices import Chooser
from syslet_reference.machine import Machine
from syslet_reference.memory import PAGE_BITS, PageFault
from syslet_reference.semantics import stops, successor
from syslet_reference.syslet import HeadState, Pause, Syslet
from syslet_reference.trace import Event, Trace

TURN_ATOMS = 100_000
"""How many atoms of one syslet run before another one has its turn."""

TICK_NS = 1_000_000
"""Virtual time that each call of the contract takes."""

_ASYNC, _SYNC, _NO_COMPLETE = int(Flag.ASYNC), int(Flag.SYNC), int(Flag.NO_COMPLETE)
_NO_ARGS = tuple((0,) * (ARGUMENTS - count) for count in range(ARGUMENTS + 1))


def _discard(data: bytes) -> None:
    del data


class ReferenceEngine(Machine):
    """The specification in executable form, on one ABI.

    `chooser` picks who goes next (see `choices`); `trace` is given every step, and ends the call
    where it raises; `console` is given what atoms write to descriptors 1 and 2; `numbers`
    overrides those of system calls.
    """

    def __init__(
        self,
        abi: Abi,
        *,
        chooser: Chooser | None = None,
        trace: Trace | None = None,
        console: Callable[[bytes], None] = _discard,
        numbers: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(abi, console, numbers or {})
        self._chooser = chooser
        self._trace = trace
        self._heads: dict[int, HeadState] = {}
        self._runnable: list[Syslet] = []
        self._execs = 0
        self._closed = False
        self._names = {nr: call.__name__[4:] for nr, call in self.kernel.calls.items()}
        self._atom_unpack = abi.atom_struct.unpack_from
        self._first_argument = [p.name for p in abi.atom_places].index("arg_ptr[0]")

    # -- the contract: the two calls, and the end --------------------------------------

    def close(self) -> None:
        """End the engine: calls that block return -EINTR."""
        with self._lock:
            self._closed = True
            self._runnable.clear()
            self._heads.clear()
            self._changed.notify_all()

    def exec(self, atom: int, head: int) -> int:
        """``sys_async_exec``: `atom`, NULL, or a negative errno, as an unsigned word."""
        with self._lock:
            self._enter()
            word = self._exec(atom, head) & self.abi.word_mask
            if self._trace:
                self._trace(Event("return", self._execs, atom, {"word": word}))
            return word

    def _exec(self, atom: int, head: int) -> int:
        error = self._take_error(head)
        if error:
            return -error
        _, error = self._descriptor(head)
        if error:
            return -error
        self._execs += 1
        syslet = Syslet(self._execs, head, atom)
        while True:
            pause = self._run(syslet, 1 if self._chooser else TURN_ATOMS)
            if pause is Pause.ENDED:
                return atom
            if pause is Pause.FAULTED:
                return -EFAULT
            if pause is Pause.TURN_OVER:
                self._settle()
            elif pause is Pause.BLOCKED and syslet.fields[0] & _SYNC:
                if not self._block_caller(syslet):
                    return -EINTR
            else:
                break
        syslet.asynchronous = True
        self._heads.setdefault(head, HeadState()).pending += 1
        if pause is Pause.BLOCKED:
            self._park(syslet)
        else:
            self._runnable.append(syslet)
        self._settle()
        return 0

    def wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        """``sys_async_wait``: 0 or a negative errno, as an unsigned word."""
        with self._lock:
            self._enter()
            word = self._wait(min_events, user_ring_idx, head) & self.abi.word_mask
            if self._trace:
                self._trace(Event("return", 0, 0, {"word": word}))
            return word

    def _wait(self, min_events: int, user_ring_idx: int, head: int) -> int:
        has_waited = False
        while True:
            if self._closed:
                return -EINTR
            error = 0 if has_waited and not self._tells_meanwhile(head) else self._take_error(head)
            if error:
                return -error
            fields, error = self._descriptor(head)
            if fields is None:
                return -error
            slots = self._slots(fields)
            if user_ring_idx >= len(slots):
                return -EINVAL
            state = self._heads.get(head)
            if ring.events(slots, user_ring_idx) >= min_events or not (state and state.pending):
                return 0
            has_waited = True
            if self._runnable:
                self._settle(caller_may_go_on=False)
            elif not self.kernel.clock.advance_to_next_alarm():
                self._outwait()

    def _tells_meanwhile(self, head: int) -> bool:
        """Whether a wait tells of what was lost while it waited; the next call may, too."""
        del head
        return True

    # -- who goes on -------------------------------------------------------------------

    def _enter(self) -> None:
        """Each call takes time, and what can run may run: nobody needs a call to go on."""
        if self._closed:
            raise SysletError("the engine is closed")
        self.kernel.clock.advance(TICK_NS)
        if self._runnable:
            self._settle()

    def _settle(self, *, caller_may_go_on: bool = True) -> None:
        """Run what can run: each at most one turn, or, with a chooser, until it is the caller."""
        if self._chooser is None:
            turns, self._runnable = self._runnable, []
            for syslet in turns:
                self._turn(syslet, TURN_ATOMS)
            return
        while self._runnable:
            alternatives = len(self._runnable)
            picked = self._chooser(alternatives + caller_may_go_on)
            if picked == alternatives:
                return
            self._turn(self._runnable.pop(picked), 1)
            if not caller_may_go_on:
                return

    def _turn(self, syslet: Syslet, atoms: int) -> None:
        pause = self._run(syslet, atoms)
        if pause is Pause.BLOCKED:
            self._park(syslet)
        elif pause is Pause.TURN_OVER:
            self._runnable.append(syslet)
        else:
            self._end(syslet)

    def _park(self, syslet: Syslet) -> None:
        """The syslet waits beside everything else; what wakes it makes it runnable."""

        def on_wake() -> None:
            self._runnable.append(syslet)
            self._changed.notify_all()

        assert syslet.blocked is not None
        syslet.blocked.park(on_wake)

    def _block_caller(self, syslet: Syslet) -> bool:
        """The caller waits for the call (SYSLET_SYNC); False where the engine was closed."""
        woken = threading.Event()

        def on_wake() -> None:
            woken.set()
            self._changed.notify_all()

        assert syslet.blocked is not None
        syslet.blocked.park(on_wake)
        while not woken.is_set() and not self._closed:
            if self._runnable:
                self._settle(caller_may_go_on=False)
            elif not self.kernel.clock.advance_to_next_alarm():
                self._outwait()
        return not self._closed

    # -- running atoms -----------------------------------------------------------------

    def _run(self, syslet: Syslet, atoms: int) -> Pause:
        """Run up to that many atoms, and say why it stopped."""
        trace, pages, calls = self._trace, self.memory.pages, self.kernel.calls
        unpack_atom, first_argument = self._atom_unpack, self._first_argument
        unpack_word, pack_word = self.abi.word_struct.unpack_from, self.abi.word_struct.pack_into
        word_mask, atom_size = self.abi.word_mask, self.abi.atom_size
        end_arguments = first_argument + ARGUMENTS
        address = syslet.atom
        result: int | Blocked
        while True:
            blocked = syslet.blocked
            if blocked is None:
                if not atoms:
                    syslet.atom = address
                    return Pause.TURN_OVER
                atoms -= 1
                try:
                    base, data = pages[address >> PAGE_BITS]
                    fields = unpack_atom(data, address - base)
                except (KeyError, struct.error):
                    try:
                        fields = self._fetch_packed(address)
                    except PageFault as fault:
                        return self._faulted(syslet, fault.address)
                flags = fields[0]
                if flags & _ASYNC and not syslet.asynchronous:
                    syslet.atom = address
                    return Pause.GOES_ASYNC
                syslet.fields, syslet.last = fields, address
                if trace:
                    self._trace_fetch(syslet)
                args: list[int] = []
                pointer = 0
                try:
                    for pointer in fields[first_argument:end_arguments]:
                        if not pointer:
                            break
                        base, data = pages[pointer >> PAGE_BITS]
                        args += unpack_word(data, pointer - base)
                except (KeyError, struct.error):
                    return self._faulted(syslet, pointer)
                args += _NO_ARGS[len(args)]
                if trace:
                    self._trace_call(syslet, args)
                call = calls.get(fields[1])
                result = -ENOSYS if call is None else call(args)
            else:
                atoms -= 1
                fields, syslet.blocked = syslet.fields, None
                flags = fields[0]
                result = blocked.retry()
            if isinstance(result, Blocked):
                syslet.atom, syslet.blocked = address, result
                if trace:
                    trace(Event("block", syslet.number, address, {}))
                return Pause.BLOCKED
            ret_ptr = fields[2]
            if trace:
                trace(Event("result", syslet.number, address, {"result": result}))
            if ret_ptr:
                try:
                    base, data = pages[ret_ptr >> PAGE_BITS]
                    pack_word(data, ret_ptr - base, result & word_mask)
                except (KeyError, struct.error):
                    result = -EFAULT
            stopped = stops(flags, result)
            following = successor(flags, stopped, address, fields[3], atom_size, word_mask)
            if trace:
                self._trace_decision(syslet, result, stopped, following)
            if following is None:
                return Pause.ENDED
            address = following

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        """An atom near the end of memory: nothing past its first NULL pointer is touched."""
        fields: list[int] = []
        for index, place in enumerate(self.abi.atom_places):
            data = self.memory.read(address + place.offset & self.abi.word_mask, place.size_bytes)
            fields.append(int.from_bytes(data, self.abi.byteorder))
            if index >= self._first_argument and not fields[-1]:
                break
        return (*fields, *(0,) * (len(self.abi.atom_places) - len(fields)))

    def _faulted(self, syslet: Syslet, address: int) -> Pause:
        if self._trace:
            self._trace(Event("fault", syslet.number, syslet.last, {"address": address}))
        return Pause.FAULTED

    # -- completion --------------------------------------------------------------------

    def _end(self, syslet: Syslet) -> None:
        """An asynchronous syslet is over: its entry first, then it is pending no more."""
        state = self._heads[syslet.head]
        if syslet.last and not syslet.fields[0] & _NO_COMPLETE:
            index, error = self._post(syslet)
            if error:
                state.errors.append(error)
            if self._trace:
                detail = {"errno": error} if error else {"index": index}
                self._trace(
                    Event("post", syslet.number, syslet.last, {"head": syslet.head, **detail})
                )
        state.pending -= 1
        if self._trace:
            detail = {"pending": state.pending}
            self._trace(Event("wake", syslet.number, syslet.last, {**detail}))
        self._forget(syslet.head)
        self._changed.notify_all()

    def _post(self, syslet: Syslet) -> tuple[int, int]:
        """Fill the next slot: (its index, 0), or (0, errno) where it may not be filled."""
        head, error = self._descriptor(syslet.head)
        if head is None:
            return 0, error
        word_bytes, index = self.abi.word_bytes, head.kernel_ring_idx
        slot = ring.slot_address(head, index, word_bytes)
        if self.memory.word(slot):
            return 0, EFAULT
        self.memory.set_word(slot, syslet.last)
        following = ring.next_index(index, head.ring_size_bytes // word_bytes)
        self.memory.set_word(syslet.head + self.abi.head_offsets["kernel_ring_idx"], following)
        return index, 0

    def _descriptor(self, head: int) -> tuple[AsyncHeadUser | None, int]:
        """The descriptor and 0, or None and the errno where it cannot be right."""
        try:
            fields = decode_head(self.abi, self.memory.read(head, self.abi.head_size))
        except PageFault:
            return None, EFAULT
        if ring.slot_count(fields, self.abi.word_bytes) is None:
            return None, EINVAL
        if not self.memory.is_mapped(fields.completion_ring, fields.ring_size_bytes):
            return None, EFAULT
        return fields, 0

    def _slots(self, head: AsyncHeadUser) -> list[int]:
        data = self.memory.read(head.completion_ring, head.ring_size_bytes)
        return [word for (word,) in self.abi.word_struct.iter_unpack(data)]

    def _take_error(self, head: int) -> int:
        """The errno of an event that found no place, reported once; 0 where there is none."""
        state = self._heads.get(head)
        if state is None or not state.errors:
            return 0
        error = state.errors.pop(0)
        self._forget(head)
        return error

    def _forget(self, head: int) -> None:
        """Keep nothing of a head with nothing pending and nothing to report."""
        state = self._heads[head]
        if not state.pending and not state.errors:
            del self._heads[head]

    # -- tracing -----------------------------------------------------------------------

    def _trace_fetch(self, syslet: Syslet) -> None:
        assert self._trace
        flags, nr, ret_ptr, following = syslet.fields[: self._first_argument]
        detail: dict[str, int | str] = {
            "flags": flags,
            "nr": nr,
            "ret_ptr": ret_ptr,
            "next": following,
        }
        self._trace(Event("fetch", syslet.number, syslet.last, detail))

    def _trace_call(self, syslet: Syslet, args: list[int]) -> None:
        assert self._trace
        pointers = syslet.fields[self._first_argument : self._first_argument + ARGUMENTS]
        for index, (pointer, value) in enumerate(zip(pointers, args, strict=True)):
            if not pointer:
                break
            detail: dict[str, int | str] = {"index": index, "pointer": pointer, "value": value}
            self._trace(Event("argument", syslet.number, syslet.last, detail))
        nr = syslet.fields[1]
        name = self._names.get(nr, f"nr({nr})")
        self._trace(Event("call", syslet.number, syslet.last, {"nr": nr, "name": name}))

    def _trace_decision(
        self, syslet: Syslet, result: int, stopped: bool, following: int | None
    ) -> None:
        assert self._trace
        number, atom, ret_ptr = syslet.number, syslet.last, syslet.fields[2]
        if ret_ptr:
            self._trace(Event("store", number, atom, {"ret_ptr": ret_ptr, "value": result}))
        self._trace(Event("stop", number, atom, {"stopped": int(stopped)}))
        self._trace(Event("successor", number, atom, {"next": following or 0}))
