"""The native engine with one thing in its C broken: what a fuzzer has to find.

Each is a backend, ``python:fuzz_c_mutants:NAME``, in this process where its word is this
process's; and `build` makes a library of it, for ``lib:PATH``. None changes anything else in
the process, so that the reference beside it is right.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from loaded_engine import InProcess

from syslet_conformance.contract import Engine
from syslet_conformance.libraries import library_host
from syslet_conformance.protocol import ProtocolEngine
from syslet_layouts import Abi, SysletError
from syslet_native.build_host import ENGINE_FOLDERS, HERE, engine_of
from syslet_native.engine import ABI_NAME

ABI_OF_WORD = {"ilp32": "ilp32-le", "lp64": "lp64-le"}


@dataclass(frozen=True, slots=True)
class CMutant:
    """In the source `file`, `new` stands in place of `old`; `caught` by the tests of these ids.

    `also` has more that is replaced there, where one change is not enough.
    """

    name: str
    wrong: str
    caught: tuple[str, ...]
    file: str
    old: str
    new: str
    word: str = "lp64"
    also: tuple[tuple[str, str], ...] = ()

    @property
    def abis(self) -> tuple[str, ...]:
        """The one ABI that it has."""
        return (ABI_OF_WORD[self.word],)

    def __call__(self, abi: Abi) -> Engine:
        """The engine, running; what a ``python:`` backend is made with."""
        with tempfile.TemporaryDirectory(prefix="syslet-") as directory:
            path = build(self, Path(directory))
        if abi.name == ABI_NAME:
            return InProcess(abi, path, self.name)
        return ProtocolEngine(library_host(str(path)), abi, name=self.name)


def build(mutant: CMutant, directory: Path) -> Path:
    """The mutant as a library, built as our own engine is, or as it was built before.

    Its sources are left in `directory`. SysletError as of `write_sources`, or where it cannot
    be built.
    """
    write_sources(mutant, directory)
    return engine_of(directory, mutant.word)


def write_sources(mutant: CMutant, directory: Path) -> None:
    """Write the engine's sources, with that one thing broken, into folders of `directory`.

    SysletError where an old text does not stand there exactly once (the engine has changed, and
    this mutant has to change with it).
    """
    for folder in ENGINE_FOLDERS:
        shutil.copytree(HERE / folder, directory / folder)
    source = directory / "src" / mutant.file
    text = source.read_text()
    for old, new in ((mutant.old, mutant.new), *mutant.also):
        found = text.count(old)
        if found != 1:
            raise SysletError(f"{mutant.name}: {mutant.file}: {found} times {old!r}, wanted 1")
        text = text.replace(old, new)
    source.write_text(text)


def __getattr__(name: str) -> CMutant:
    """The mutant of that name."""
    if name not in MUTANTS:
        raise AttributeError(f"no C mutant {name!r}")
    return MUTANTS[name]


_ROWS = (
    CMutant(
        "SkipsAWordShort",
        "the stride of a skip is an atom less a word",
        ("skip.stride", "skip.full-stride-when-packed"),
        "run.c",
        "atom = s->atom + sizeof(struct syslet_uatom);",
        "atom = s->atom + sizeof(struct syslet_uatom) - sizeof(word);",
    ),
    CMutant(
        "SkipsOnlyInTheCaller",
        "what went asynchronous ends where it should skip",
        ("skip.stride", "skip.ignores-next"),
        "run.c",
        "if (!(s->flags & SYSLET_SKIP_TO_NEXT_ON_STOP))",
        "if (!(s->flags & SYSLET_SKIP_TO_NEXT_ON_STOP) || s->asynchronous)",
    ),
    CMutant(
        "NegativeAsAnInt",
        "STOP_ON_NEGATIVE looks at the low 32 bits of the result",
        ("chain.stop-table",),
        "run.c",
        "((flags & SYSLET_STOP_ON_NEGATIVE) && result < 0) ||",
        "((flags & SYSLET_STOP_ON_NEGATIVE) && (int)result < 0) ||",
    ),
    CMutant(
        "OnlyErrnosAreNegative",
        "with 32-bit words, a result below every errno is positive to STOP_ON_NEGATIVE",
        ("chain.stop-table",),
        "run.c",
        "((flags & SYSLET_STOP_ON_NEGATIVE) && result < 0) ||",
        "((flags & SYSLET_STOP_ON_NEGATIVE) && (word)result >= -4095UL) ||",
        word="ilp32",
    ),
    CMutant(
        "FollowsOneBehindNull",
        "with one argument, the pointer behind the NULL is followed",
        ("arg.null-ends", "arg.packed-atom"),
        "run.c",
        "	if (!pointers[1])\n		return;\n",
        "	if (!pointers[1] && POINTER(2))\n"
        "		ARGUMENT(2);\n"
        "	if (!pointers[1])\n"
        "		return;\n",
    ),
    CMutant(
        "MarksPrivateBehindSix",
        "private of an atom with six arguments is written",
        ("arg.private-untouched",),
        "run.c",
        "	if (pointers[5])\n		ARGUMENT(5);\n",
        "	if (pointers[5])\n"
        "		user_store(atom + offsetof(struct syslet_uatom, private_data),\n"
        "			   ARGUMENT(5));\n",
    ),
    CMutant(
        "AsksNextAhead",
        "in the caller, next of the next atom on the same page is read before this atom's call",
        ("chain.fetched-on-the-fly",),
        "run.c",
        "	s->next = FIELD(atom, next);\n",
        "	static __thread word ahead[2];\n"
        "	s->next = s->last && !s->asynchronous && ahead[0] == atom ?\n"
        "			  ahead[1] : FIELD(atom, next);\n"
        "	ahead[0] = 0;\n"
        "	if (s->next && s->next >> 12 == atom >> 12 &&\n"
        "	    (s->next + 4 * sizeof(word) - 1) >> 12 == atom >> 12) {\n"
        "		ahead[0] = s->next;\n"
        "		ahead[1] = FIELD(s->next, next);\n"
        "	}\n",
    ),
    CMutant(
        "StoresAfterTheNextFlags",
        "the result is stored when the next atom's flags have been read",
        ("result.before-next-fetch",),
        "run.c",
        "word args[ARGUMENTS], atom;",
        "word args[ARGUMENTS], atom, ahead = 0, early = 0;",
        also=(
            (
                "		flags = FIELD(atom, flags);\n",
                "		flags = atom == ahead ? early : FIELD(atom, flags);\n		ahead = 0;\n",
            ),
            (
                "called:\n",
                "called:\n"
                "		if (s->next && !stops(s->flags, result)) {\n"
                "			ahead = s->next;\n"
                "			early = FIELD(ahead, flags);\n"
                "		}\n",
            ),
        ),
    ),
    CMutant(
        "SyncInTheFirstAtomAlone",
        "SYNC is not seen in a later atom",
        ("exec.flags-per-atom",),
        "run.c",
        "!s->asynchronous;\n\n				if (!held",
        "!s->asynchronous &&\n"
        "						  s->atoms_left == ULONG_MAX - 1;\n"
        "\n"
        "				if (!held",
    ),
    CMutant(
        "WrapsASlotEarly",
        "the last slot of a ring is left out",
        ("ring.wraps", "ring.kernel-index"),
        "ring.c",
        "next == ring.slots ? 0 : next",
        "next + 1 >= ring.slots ? 0 : next",
    ),
    CMutant(
        "Overwrites",
        "a slot that is taken is filled",
        ("ring.never-overwrites", "ring.overflow-is-an-error"),
        "ring.c",
        "if (user_load_slot(slot)) {",
        "if (!slot) {",
    ),
    CMutant(
        "FullRingIsEmpty",
        "wait counts by the indices: where they are equal, there is no event",
        ("wait.full-ring",),
        "ring.c",
        "		if (!free_slots && wanted > ring.slots)\n",
        "		if (ring.kernel_ring_idx == index)\n"
        "			free_slots = wanted;\n"
        "		if (!free_slots && wanted > ring.slots)\n",
    ),
    CMutant(
        "DiesOfABadDescriptor",
        "a descriptor that cannot be read ends the process, where a syslet goes asynchronous",
        ("fault.descriptor",),
        "ring.c",
        "	if (RECOVERY_SET(&here)) {\n"
        "		recovery_clear(&here);\n"
        "		return -EFAULT;\n"
        "	}\n"
        "	error = read_head(head, &ring);\n"
        "	if (!error) {\n"
        "		user_load(ring.base);\n",
        "	here.outer = syslet_recovery;\n"
        "	error = read_head(head, &ring);\n"
        "	if (!error) {\n"
        "		user_load(ring.base);\n",
    ),
    CMutant(
        "PostsWithoutTheLock",
        "two threads that post at once fill one slot: an event is lost under load",
        ("ring.parallel-completions",),
        "heads.c",
        "	pthread_mutex_lock(&heads.lock);\n"
        "	if (entry && syslet_ring_post(s->head, entry)) {\n",
        "	const long nap[2] = { 0, 300000 };\n"
        "	word index = 0, now = 0;\n"
        "\n"
        "	syslet_copy(&index, (void *)s->head, sizeof(index));\n"
        "	RAW(SYS_nanosleep, nap, 0);\n"
        "	pthread_mutex_lock(&heads.lock);\n"
        "	syslet_copy(&now, (void *)s->head, sizeof(now));\n"
        "	if (entry && index == now && syslet_ring_post(s->head, entry)) {\n",
    ),
    CMutant(
        "LosesTheFifthOfACrowd",
        "what ends while four others of its head are pending leaves no event",
        ("ring.exactly-once",),
        "heads.c",
        "	if (entry && syslet_ring_post(s->head, entry)) {\n",
        "	if (entry && state->pending < 5 &&\n	    syslet_ring_post(s->head, entry)) {\n",
    ),
    CMutant(
        "SeveralLossesAreOne",
        "of several events that did not fit, one is told",
        ("ring.overflow-is-an-error",),
        "heads.c",
        "state->errors++;",
        "state->errors = 1;",
    ),
    CMutant(
        "NoCompleteNeedsAsync",
        "NO_COMPLETE is not seen in an atom that blocked",
        ("ring.no-complete", "exec.one-outcome"),
        "engine.c",
        "(s->last_flags & SYSLET_NO_COMPLETE);",
        "((s->last_flags & SYSLET_NO_COMPLETE) &&\n"
        "			       (s->last_flags & SYSLET_ASYNC));",
    ),
    CMutant(
        "FaultStaysPending",
        "a syslet that faults once it is asynchronous is pending for ever",
        ("fault.after-async",),
        "engine.c",
        "	case RUN_FAULTED:\n		end(s);\n		break;\n",
        "		end(s);\n		break;\n	case RUN_FAULTED:\n		break;\n",
    ),
)

MUTANTS = {row.name: row for row in _ROWS}
"""The mutants by their names."""

CAUGHT = {row.name: row.caught for row in _ROWS}
"""Each mutant, and the requirements whose tests must catch it."""
