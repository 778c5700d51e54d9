"""Engines that are wrong about what an atom is given, or where its result goes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from errno import EBADF, EFAULT
from typing import Any

import syslet_reference.engine as shell
from mutants.engine import Mutant
from mutants.rewritten import rewritten
from syslet_layouts import ARGUMENTS, Abi
from syslet_reference.memory import PageFault
from syslet_reference.syslet import Syslet

CAUGHT = {
    "PassesPointers": ("arg.by-pointer",),
    "PassesHalfWords": ("arg.by-pointer",),
    "PassesTwoExchanged": ("arg.by-pointer",),
    "ReadsArgumentsOnSubmission": ("arg.by-pointer", "arg.shared-variable"),
    "KeepsArgumentsWhileBlocked": ("arg.by-pointer",),
    "ReadsTwoWordsOfAnArgument": ("arg.by-pointer",),
    "RemembersVariables": ("arg.shared-variable",),
    "SeesMemoryAsItWasWhenItBlocked": ("arg.shared-variable",),
    "FollowsPointersBehindNull": ("arg.null-ends",),
    "ProbesPointersBehindNull": ("arg.null-ends",),
    "PassesOverNull": ("arg.null-ends",),
    "EndsAtAWordThatIs0": ("arg.null-ends",),
    "WantsOneArgument": ("arg.null-ends", "arg.packed-atom"),
    "FetchesFullAtoms": ("arg.packed-atom",),
    "FetchesAWordBehindNull": ("arg.packed-atom",),
    "FetchesFourPointers": ("arg.packed-atom",),
    "WritesBehindAPackedAtom": ("arg.packed-atom", "arg.private-untouched"),
    "StaysOnThePageOfAnAtom": ("arg.packed-atom",),
    "PassesWhatWasLeftOver": ("arg.missing-is-zero",),
    "PassesOnesForMissing": ("arg.missing-is-zero",),
    "FetchesFive": ("arg.all-six",),
    "PrivateIsASeventh": ("arg.all-six", "arg.private-untouched"),
    "PrivateHasToEndSix": ("arg.all-six", "arg.private-untouched"),
    "SixWithoutPrivateAreNone": ("arg.all-six",),
    "KeepsItsNumberInPrivate": ("arg.private-untouched",),
    "StoresTheResultInPrivate": ("arg.private-untouched",),
    "StoresAHalfWord": ("result.stored",),
    "StoresTwoWords": ("result.stored",),
    "StoresNoLeastWord": ("result.stored",),
    "StoresWhereItGoesOn": ("result.stored",),
    "StoresNothingAfterABlock": ("result.stored",),
    "StoresZeroNowhere": ("result.stored",),
    "KeepsTheLastRetPtr": ("result.null-ret-ptr",),
    "NullRetPtrIsTheFirstArgument": ("result.null-ret-ptr",),
    "NullRetPtrFaults": ("result.null-ret-ptr",),
    "NullRetPtrIsNoResult": ("result.null-ret-ptr",),
    "StoresPositiveErrnos": ("result.negative-errno",),
    "StoresMinusOne": ("result.negative-errno",),
    "StopFlagsSeeNoErrno": ("result.negative-errno",),
    "ErrnoEndsTheSyslet": ("result.negative-errno",),
    "ErrnoIsThatOfExec": ("result.negative-errno",),
    "StoresAfterTheNextFetch": ("result.before-next-fetch",),
    "StoresAfterTheNextFlags": ("result.before-next-fetch",),
    "StoresAfterTheNextPointers": ("result.before-next-fetch",),
    "StoresAfterTheNextFetchWhenItSkips": ("result.before-next-fetch",),
    "UnknownCallFaults": ("result.unknown-syscall",),
    "UnknownCallIsInvalid": ("result.unknown-syscall",),
    "UnknownCallEndsTheSyslet": ("result.unknown-syscall",),
}
"""Each engine, and the requirements whose tests must catch it."""

_LOAD = "args += unpack_word(data, pointer - base)"
_ENDS = "if not pointer:\n                            break"
_LOADED = "args += _NO_ARGS[len(args)]"
_FETCH = "fields = unpack_atom(data, address - base)"
_CALL = "result = -ENOSYS if call is None else call(args)"
_RET_PTR = "ret_ptr = fields[2]"
_STORE = "pack_word(data, ret_ptr - base, result & word_mask)"
_STOPPED = "stopped = stops(flags, result)"

RUN = Mutant._run


class _Mutant(Mutant):
    """The base of those whose `_run` is another."""

    def word_or(self, pointer: int, otherwise: int) -> int:
        """The word at `pointer`, where there is one."""
        try:
            return self.memory.word(pointer)
        except PageFault:
            return otherwise


# -- parameters by pointer --------------------------------------------------------------


class PassesPointers(_Mutant):
    """A parameter is the pointer itself."""

    _run = rewritten(RUN, (_LOAD, "args.append(pointer)"))


class PassesHalfWords(_Mutant):
    """The upper half of a parameter is lost."""

    _run = rewritten(
        RUN, (_LOADED, "args = [a & 0xFFFF for a in args] + list(_NO_ARGS[len(args)])")
    )


class PassesTwoExchanged(_Mutant):
    """The second and the third parameter are exchanged."""

    _run = rewritten(RUN, (_LOADED, "args += _NO_ARGS[len(args)]; args[1:3] = args[2:0:-1]"))


class ReadsArgumentsOnSubmission(_Mutant):
    """The words of all atoms are read when the syslet is submitted."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.early: dict[tuple[int, int], int] = {}

    def _exec(self, atom: int, head: int) -> int:
        self.early = {}
        for _ in range(300):
            try:
                fields = self._fetch_packed(atom)
            except PageFault:
                break
            for pointer in fields[4:10]:
                if pointer:
                    self.early[atom, pointer] = self.word_or(pointer, 0)
            atom = fields[3]
        return super()._exec(atom, head)

    _run = rewritten(RUN, (_LOAD, "args.append(self.early.get((address, pointer), 0))"))


class KeepsArgumentsWhileBlocked(_Mutant):
    """When a syslet blocks, the words of its next atom are read at once."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.early: dict[tuple[int, int, int], int] = {}

    def _park(self, syslet: Syslet) -> None:
        super()._park(syslet)
        following = syslet.fields[3]
        if not following:
            return
        with contextlib.suppress(PageFault):
            for pointer in self._fetch_packed(following)[4:10]:
                if pointer:
                    value = self.word_or(pointer, 0)
                    self.early[syslet.number, following, pointer] = value

    _run = rewritten(
        RUN,
        (
            _LOAD,
            "args += unpack_word(data, pointer - base); "
            "args[-1] = self.early.pop((syslet.number, address, pointer), args[-1])",
        ),
    )


class ReadsTwoWordsOfAnArgument(_Mutant):
    """A parameter at the end of a mapping faults."""

    _run = rewritten(RUN, (_LOAD, _LOAD + "; unpack_word(data, pointer - base + 4)"))


# -- shared variables -------------------------------------------------------------------


class RemembersVariables(_Mutant):
    """A syslet reads each variable once."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.seen: dict[tuple[int, int], int] = {}

    _run = rewritten(
        RUN,
        (
            _LOAD,
            _LOAD + "; args[-1] = self.seen.setdefault((syslet.number, pointer), args[-1])",
        ),
    )


class SeesMemoryAsItWasWhenItBlocked(_Mutant):
    """After a block, parameters are what they were before it."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.snapshots: dict[int, dict[int, bytes]] = {}

    def _park(self, syslet: Syslet) -> None:
        super()._park(syslet)
        mappings = dict(self.memory.pages.values())
        self.snapshots[syslet.number] = {base: bytes(data) for base, data in mappings.items()}

    _run = rewritten(
        RUN,
        (_LOAD, "data = self.snapshots.get(syslet.number, {}).get(base, data); " + _LOAD),
    )


# -- where the list of parameters ends --------------------------------------------------


class FollowsPointersBehindNull(_Mutant):
    """A NULL pointer is a parameter of 0, and the next one is looked at."""

    _run = rewritten(RUN, (_ENDS, "if not pointer: args.append(0); continue"))


class ProbesPointersBehindNull(_Mutant):
    """A pointer behind NULL has to be readable, though it is not passed."""

    _run = rewritten(
        RUN,
        (
            _LOADED,
            "if any(p and not self.memory.is_mapped(p, 4)"
            " for p in fields[first_argument:end_arguments]):"
            " return self._faulted(syslet, pointer)\n"
            "                " + _LOADED,
        ),
    )


class PassesOverNull(_Mutant):
    """A NULL pointer is left out, and the next one takes its place."""

    _run = rewritten(RUN, (_ENDS, "if not pointer: continue"))


class EndsAtAWordThatIs0(_Mutant):
    """The list ends with the first word that is 0."""

    _run = rewritten(RUN, (_LOAD, _LOAD + "\n" + " " * 24 + "if not args[-1]: break"))


class WantsOneArgument(_Mutant):
    """The first pointer is not asked whether it is NULL."""

    _run = rewritten(RUN, (_ENDS, "if not pointer and args: break"))

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        fields = super()._fetch_packed(address)
        self.memory.read(address, 24)
        return fields


# -- packed atoms -----------------------------------------------------------------------


class FetchesFullAtoms(_Mutant):
    """An atom has to be mapped to its full size."""

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        raise PageFault(address)


class FetchesAWordBehindNull(_Mutant):
    """The word behind the first NULL pointer has to be mapped."""

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        fields = super()._fetch_packed(address)
        count = next((i for i, pointer in enumerate(fields[4:10]) if not pointer), ARGUMENTS)
        self.memory.read(address, 16 + 4 * min(count + 2, ARGUMENTS + 1))
        return fields


class FetchesFourPointers(_Mutant):
    """The first four pointers are fetched at once."""

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        self.memory.read(address, 32)
        return super()._fetch_packed(address)


class WritesBehindAPackedAtom(_Mutant):
    """The last word of a full atom is cleared when it has run."""

    _run = rewritten(
        RUN,
        (
            _RET_PTR,
            _RET_PTR + "; self.memory.is_mapped(address, 44) "
            "and self.memory.set_word(address + 40, 0)",
        ),
    )


class StaysOnThePageOfAnAtom(_Mutant):
    """An atom whose first six words lie on two pages is not fetched."""

    _run = rewritten(
        RUN,
        (_FETCH, "if address % 4096 > 4096 - 24: raise KeyError(address)\n" + " " * 20 + _FETCH),
    )

    def _fetch_packed(self, address: int) -> tuple[int, ...]:
        if address % 4096 > 4096 - 24:
            raise PageFault(address)
        return super()._fetch_packed(address)


# -- missing parameters -----------------------------------------------------------------


class PassesWhatWasLeftOver(_Mutant):
    """A missing parameter is what the last call had there."""

    last: Sequence[int] = (0,) * ARGUMENTS

    _run = rewritten(RUN, (_LOADED, "args += self.last[len(args):]; self.last = tuple(args)"))


class PassesOnesForMissing(_Mutant):
    """A missing parameter is -1."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        ones = tuple((abi.word_mask,) * (ARGUMENTS - count) for count in range(ARGUMENTS + 1))
        vars(shell)["_NO_ARGS"] = ones


# -- six parameters, and private --------------------------------------------------------


class FetchesFive(_Mutant):
    """The sixth argument pointer is not looked at."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["ARGUMENTS"] = 5


class PrivateIsASeventh(_Mutant):
    """With six pointers, private is followed as a seventh."""

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        vars(shell)["ARGUMENTS"] = 7
        vars(shell)["_NO_ARGS"] = tuple((0,) * max(6 - count, 0) for count in range(8))


_SIX = "if len(args) == 6 and {}: return self._faulted(syslet, address)\n" + " " * 16 + _LOADED


class PrivateHasToEndSix(_Mutant):
    """With six pointers, private has to be NULL."""

    _run = rewritten(RUN, (_LOADED, _SIX.format("fields[10]")))


class SixWithoutPrivateAreNone(_Mutant):
    """With six pointers, a private of NULL is taken for the sixth."""

    _run = rewritten(RUN, (_LOADED, _SIX.format("not fields[10]")))


class KeepsItsNumberInPrivate(_Mutant):
    """While a syslet is blocked, its number lies in private, and it stays there."""

    def _park(self, syslet: Syslet) -> None:
        self.memory.set_word(syslet.atom + 40, syslet.number)
        super()._park(syslet)


class StoresTheResultInPrivate(_Mutant):
    """A failing call leaves its result in private too."""

    _run = rewritten(
        RUN, (_RET_PTR, _RET_PTR + "; result < 0 and self.memory.set_word(address + 40, result)")
    )


# -- the result -------------------------------------------------------------------------


class StoresAHalfWord(_Mutant):
    """Half a word of the result is stored."""

    _run = rewritten(
        RUN,
        (_STORE, "data[ret_ptr-base:ret_ptr-base+2] = (result & 0xFFFF).to_bytes(2, 'little')"),
    )


class StoresTwoWords(_Mutant):
    """The sign of the result fills the word behind."""

    _run = rewritten(
        RUN, (_STORE, _STORE + "; pack_word(data, ret_ptr - base + 4, (result >> 32) & word_mask)")
    )


class StoresNoLeastWord(_Mutant):
    """The least word is stored as the one above it."""

    _run = rewritten(RUN, (_RET_PTR, "result = max(result, -(word_mask >> 1)); " + _RET_PTR))


class StoresWhereItGoesOn(_Mutant):
    """The atom at which a syslet stops stores no result."""

    _run = rewritten(RUN, (_RET_PTR, "ret_ptr = 0 if stops(flags, result) else fields[2]"))


class StoresNothingAfterABlock(_Mutant):
    """The result of a call that blocked is not stored."""

    _run = rewritten(RUN, (_RET_PTR, "ret_ptr = fields[2] if blocked is None else 0"))


class StoresZeroNowhere(_Mutant):
    """A result of 0 is not stored."""

    _run = rewritten(RUN, (_RET_PTR, "ret_ptr = fields[2] if result else 0"))


class KeepsTheLastRetPtr(_Mutant):
    """Where ret_ptr is NULL, the one of the atom before is used."""

    last_ret_ptr = 0

    _run = rewritten(
        RUN, (_RET_PTR, "ret_ptr = self.last_ret_ptr = fields[2] or self.last_ret_ptr")
    )


class NullRetPtrIsTheFirstArgument(_Mutant):
    """Where ret_ptr is NULL, the result goes to the first parameter's word."""

    _run = rewritten(RUN, (_RET_PTR, "ret_ptr = fields[2] or fields[first_argument]"))


class NullRetPtrFaults(_Mutant):
    """Where ret_ptr is NULL, the atom's result is -EFAULT."""

    _run = rewritten(RUN, (_STOPPED, "result = result if ret_ptr else -EFAULT; " + _STOPPED))


class NullRetPtrIsNoResult(_Mutant):
    """Where ret_ptr is NULL, the stop flags see 0."""

    _run = rewritten(RUN, (_STOPPED, "result = result if ret_ptr else 0; " + _STOPPED))


# -- a failing call ---------------------------------------------------------------------

_FAILED = f"result in (-{EBADF}, -{EFAULT})"


class StoresPositiveErrnos(_Mutant):
    """A failing call's result is its errno."""

    _run = rewritten(RUN, (_RET_PTR, f"result = -result if {_FAILED} else result; " + _RET_PTR))


class StoresMinusOne(_Mutant):
    """A failing call's result is -1, as in C."""

    _run = rewritten(RUN, (_RET_PTR, f"result = -1 if {_FAILED} else result; " + _RET_PTR))


class StopFlagsSeeNoErrno(_Mutant):
    """A failing call stops nothing."""

    _run = rewritten(RUN, (_STOPPED, f"stopped = not ({_FAILED}) and stops(flags, result)"))


class ErrnoEndsTheSyslet(_Mutant):
    """A failing call ends the syslet, whatever its flags."""

    _run = rewritten(RUN, (_STOPPED, f"stopped = {_FAILED} or stops(flags, result)"))


class ErrnoIsThatOfExec(_Mutant):
    """A failing call makes the syslet fail."""

    _run = rewritten(
        RUN,
        (_STOPPED, f"if {_FAILED}: return self._faulted(syslet, 0)\n" + " " * 12 + _STOPPED),
    )


# -- the result comes before the next atom ----------------------------------------------


class _FetchesAhead(_Mutant):
    """What may follow is fetched before the result is stored: these fields of it."""

    ahead_fields: slice = slice(None)
    by_next, by_skip = True, True

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi)
        self.ahead: dict[int, tuple[int, ...]] = {}

    def look_ahead(self, address: int, fields: Sequence[int]) -> None:
        """Fetch both atoms that may follow."""
        candidates = [fields[3]] * self.by_next + [address + self.abi.atom_size] * self.by_skip
        self.ahead = {}
        for candidate in candidates:
            try:
                self.ahead[candidate] = self._fetch_packed(candidate)
            except PageFault:
                continue

    def merged(self, address: int, fields: tuple[Any, ...]) -> tuple[Any, ...]:
        """The fields of an atom, some of them as they were."""
        found = list(fields)
        early = self.ahead.pop(address, fields)
        found[self.ahead_fields] = early[self.ahead_fields]
        return tuple(found)

    _run = rewritten(
        RUN,
        (_FETCH, "fields = self.merged(address, unpack_atom(data, address - base))"),
        (_RET_PTR, "self.look_ahead(address, fields); " + _RET_PTR),
    )


class StoresAfterTheNextFetch(_FetchesAhead):
    """The result is stored when the next atom has been fetched."""


class StoresAfterTheNextFlags(_FetchesAhead):
    """The result is stored when the flags of the next atom have been fetched."""

    ahead_fields = slice(0, 1)


class StoresAfterTheNextPointers(_FetchesAhead):
    """The result is stored when the argument pointers of the next atom have been fetched."""

    ahead_fields = slice(4, 10)


class StoresAfterTheNextFetchWhenItSkips(_FetchesAhead):
    """The result is stored when the atom behind has been fetched."""

    by_next = False


# -- unknown calls ----------------------------------------------------------------------


class UnknownCallFaults(_Mutant):
    """An unknown call makes the syslet fail."""

    _run = rewritten(
        RUN,
        (_CALL, "if call is None: return self._faulted(syslet, 0)\n" + " " * 16 + _CALL),
    )


class UnknownCallIsInvalid(_Mutant):
    """An unknown call gives -EINVAL."""

    _run = rewritten(RUN, (_CALL, _CALL.replace("-ENOSYS", "-EINVAL")))


class UnknownCallEndsTheSyslet(_Mutant):
    """After an unknown call nothing follows."""

    _run = rewritten(RUN, (_STOPPED, "stopped = result == -ENOSYS or stops(flags, result)"))
