"""What streams reached, counted on the reference's trace, and what of it is rare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from syslet_conformance.fuzz.arena import CALLS, Arena
from syslet_layouts import Flag
from syslet_reference import STOPS
from syslet_reference.trace import Event

GROUPS = ("requirement", "flag", "flags", "stop", "ring", "fault", "call", "way")
"""What is counted, in the order of the table; a feature is ``GROUP what``."""

FLAGS = [flag for flag in Flag if flag.value]
PAIRS = [f"flags {a.name}+{b.name}" for i, a in enumerate(FLAGS) for b in FLAGS[i + 1 :]]
SIGNS = ("negative", "zero", "positive")

_ALL_STOPS = sum(map(int, STOPS))
_ASYNC_OR_SYNC = int(Flag.ASYNC | Flag.SYNC)
_SKIP = int(Flag.SKIP_TO_NEXT_ON_STOP)

REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "way next": ("chain.next", "skip.no-stop-follows-next", "chain.sequential"),
    "way skip": ("skip.stride", "skip.ignores-next", "skip.target-is-ordinary"),
    "way packed": ("arg.packed-atom", "arg.null-ends"),
    "way six arguments": ("arg.all-six", "arg.private-untouched"),
    "way missing arguments": ("arg.missing-is-zero",),
    "way argument": ("arg.by-pointer", "arg.shared-variable"),
    "way end at next NULL": ("chain.null-ends",),
    "way end at a stop": ("chain.stop-ends",),
    "way again": ("chain.any-graph",),
    "way stored": ("result.stored", "result.before-next-fetch"),
    "way not stored": ("result.null-ret-ptr",),
    "way atom changed": ("chain.fetched-on-the-fly",),
    "way blocked": ("exec.cachemiss-returns-null", "exec.continues-alone", "exec.many-blocked"),
    "way cached": ("exec.cached-returns-submitted", "ring.cached-not-queued", "exec.one-outcome"),
    "way later flag": ("exec.flags-per-atom",),
    "flag ASYNC": ("exec.async-flag",),
    "flag SYNC": ("exec.sync-flag",),
    "flag NO_COMPLETE": ("ring.no-complete", "wait.no-complete-is-pending"),
    "call negative": ("result.negative-errno",),
    "call unknown": ("result.unknown-syscall",),
    "call async_exec": ("exec.no-reentry",),
    "call async_wait": ("exec.no-reentry",),
    "ring first": ("ring.starts-at-zero", "ring.entry-is-final-atom", "ring.kernel-index"),
    "ring wraps": ("ring.wraps",),
    "ring overflow": ("ring.never-overwrites", "ring.overflow-is-an-error", "wait.full-ring"),
    "ring after overflow": ("ring.recovers",),
    "ring second head": ("ring.per-exec",),
    "ring entry": ("ring.exactly-once", "ring.effects-before-entry", "ring.engine-only-fills"),
    "ring two pending": ("ring.parallel-completions",),
    "fault first atom": ("fault.first-atom",),
    "fault later atom": ("fault.later-atom",),
    "fault argument": ("fault.argument",),
    "fault result": ("fault.ret-ptr",),
    "fault odd": ("fault.odd-address",),
    "way at large": ("fault.random-bytes",),
}
"""The requirements that a feature is about."""

EXPECTED = (
    *(f"flag {flag.name}" for flag in FLAGS),
    *PAIRS,
    *(f"stop {flag.name} on {sign}" for flag in STOPS for sign in SIGNS),
    *(f"call {name}" for name in CALLS),
    *(feature for feature in REQUIREMENTS if not feature.startswith(("flag", "call"))),
    *(f"call {sign}" for sign in SIGNS),
)
"""Every feature that can be reached."""


def _of_flags(bits: int) -> frozenset[str]:
    held = [flag for flag in FLAGS if bits & flag]
    found = {f"flag {flag.name}" for flag in held}
    found |= {f"flags {a.name}+{b.name}" for i, a in enumerate(held) for b in held[i + 1 :]}
    return frozenset(found)


def _of_result(sign: int, bits: int) -> frozenset[str]:
    stops = {f"stop {flag.name} on {SIGNS[sign]}" for flag in STOPS if bits & flag}
    return frozenset({f"call {SIGNS[sign]}", *stops})


_OF_FLAGS = [_of_flags(bits) for bits in range(sum(FLAGS) + 1)]
_OF_RESULT = [
    [_of_result(sign, bits) for bits in range(_ALL_STOPS + 1)] for sign in range(len(SIGNS))
]


class Seen:
    """The features of one stream: a `Trace` to play it with, and what it has seen since `begin`."""

    def __init__(self, arena: Arena) -> None:
        self._last_whole = arena.base + arena.size_bytes - arena.abi.atom_size
        self._sees = {
            "fetch": self._fetch,
            "argument": self._argument,
            "call": self._call,
            "block": self._block,
            "result": self._result,
            "store": self._store,
            "stop": self._stop,
            "successor": self._successor,
            "fault": self._fault,
            "post": self._post,
            "return": self._return,
        }
        self._calls = dict(zip(arena.nrs, CALLS, strict=True))
        self._aligned = arena.abi.word_bytes - 1
        self._first_head = arena.heads[0]
        self.features: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """A new stream."""
        self.features = set()
        self._atoms: dict[int, list[int]] = {}
        self._fields: dict[int, tuple[object, ...]] = {}
        self._flags = 0
        self._arguments = 0
        self._stopped = 0
        self._lost = False
        self._blocked = 0
        self._previous = ""

    def __call__(self, event: Event) -> None:
        """One step of the reference's."""
        step, syslet, atom, detail = event
        see = self._sees.get(step)
        if see is not None:
            see(syslet, atom, detail)
        self._previous = step

    def _argument(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet, atom
        self._arguments += 1
        if detail["pointer"] & self._aligned:
            self.features.add("fault odd")

    def _result(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet, atom
        result = detail["result"]
        sign = 1 if not result else 0 if result < 0 else 2
        self.features |= _OF_RESULT[sign][self._flags & _ALL_STOPS]

    def _store(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet, atom
        self.features.add("way stored")
        if detail["value"] == -14:
            self.features.add("fault result")

    def _stop(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet, atom
        self._stopped = detail["stopped"]

    def _block(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet, atom, detail
        self.features.add("way blocked")
        self._blocked += 1
        if self._blocked > 1:
            self.features.add("ring two pending")

    def _fault(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del atom
        add = self.features.add
        if not self._atoms.get(syslet):
            add("fault first atom")
        else:
            add("fault argument" if self._previous == "fetch" else "fault later atom")
        if detail["address"] & self._aligned:
            add("fault odd")

    def _fetch(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        flags = detail["flags"]
        self._flags, self._arguments = flags, 0
        self.features |= _OF_FLAGS[flags & 0xFF]
        add = self.features.add
        if flags >> 8:
            add("way at large")
        been = self._atoms.setdefault(syslet, [])
        if atom in been:
            add("way again")
        if been and flags & _ASYNC_OR_SYNC:
            add("way later flag")
        been.append(atom)
        fields = (flags, detail["nr"], detail["ret_ptr"], detail["next"])
        if self._fields.setdefault(atom, fields) != fields:
            add("way atom changed")
        if not detail["ret_ptr"]:
            add("way not stored")
        if atom & self._aligned:
            add("fault odd")
        if atom > self._last_whole:
            add("way packed")

    def _call(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet, atom
        name = self._calls.get(detail["nr"], "unknown")
        self.features.add(f"call {name}")
        if self._arguments == 6:
            self.features.add("way six arguments")
        if self._arguments:
            self.features.add("way argument")
        if name in ("umem_add", "read", "write") and self._arguments < 2:
            self.features.add("way missing arguments")

    def _successor(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet, atom
        if detail["next"]:
            skips = self._stopped and self._flags & _SKIP
            self.features.add("way skip" if skips else "way next")
        else:
            self.features.add("way end at a stop" if self._stopped else "way end at next NULL")

    def _post(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet, atom
        add = self.features.add
        if detail["head"] != self._first_head:
            add("ring second head")
        if "errno" in detail:
            add("ring overflow")
            self._lost = True
            return
        add("ring entry")
        if self._lost:
            add("ring after overflow")
        if detail["index"] == 0:
            add("ring wraps" if "ring first" in self.features else "ring first")

    def _return(self, syslet: int, atom: int, detail: Mapping[str, Any]) -> None:
        del syslet
        if atom and detail["word"] == atom:
            self.features.add("way cached")


def requirements(counted: Iterable[str]) -> frozenset[str]:
    """The requirements that these features are about."""
    return frozenset(id_ for feature in counted for id_ in REQUIREMENTS.get(feature, ()))


def table(counted: Counter[str], streams: int) -> list[tuple[str, int, int, str]]:
    """A row a group: its name, features reached, features there are, and the rarest ones."""
    rows = []
    for group in GROUPS[1:]:
        members = [feature for feature in EXPECTED if feature.split()[0] == group]
        reached = [feature for feature in members if counted[feature]]
        rare = sorted(members, key=lambda feature: counted[feature])[:3]
        shown = ", ".join(f"{f.split(' ', 1)[1]} {_share(counted[f], streams)}" for f in rare)
        rows.append((group, len(reached), len(members), shown))
    about = {id_ for ids in REQUIREMENTS.values() for id_ in ids}
    found = requirements(feature for feature, count in counted.items() if count)
    missing = ", ".join(sorted(about - found)[:3])
    return [("requirement", len(found), len(about), missing and f"not {missing}"), *rows]


def _share(count: int, streams: int) -> str:
    return "never" if not count else f"1 in {max(round(streams / count), 1)}"
