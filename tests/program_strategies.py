"""Hypothesis strategies for programs, all of them valid on every ABI."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from syslet_conformance.program import (
    Address,
    Atom,
    Buffer,
    Bytes,
    Close,
    Consume,
    Declaration,
    Drain,
    Exec,
    Feed,
    Head,
    Join,
    Pipe,
    Poke,
    Program,
    Ring,
    Section,
    Step,
    Store,
    Unmap,
    Wait,
    Words,
    labels,
)
from syslet_layouts import Flag

CALLS = ("read", "write", "getpid", "umem_add", "close", "dup", "async_exec")
NUMBERS = st.integers(-(1 << 31), (1 << 32) - 1) | st.integers(-3, 3)
SIGNED = st.integers(-(1 << 31), (1 << 31) - 1)
UNSIGNED = st.integers(0, (1 << 32) - 1) | st.integers(0, 3)
FLAGS = st.integers(0, 0xFF).map(Flag) | st.integers(0, (1 << 32) - 1).map(Flag)
BYTES = st.binary(max_size=12)

_EMPTY: list[st.SearchStrategy[Declaration]] = [
    st.just(Section("")),
    st.just(Words("")),
    st.builds(Bytes, st.just(""), BYTES),
    st.builds(Buffer, st.just(""), st.integers(0, 40)),
    st.just(Pipe("")),
    st.builds(Ring, st.just(""), st.integers(1, 5)),
    st.just(Head("", None)),
    st.just(Atom("", "read")),
]


@st.composite
def programs(draw: st.DrawFn, canonical: bool = False) -> Program:
    """A program; `canonical`: one that an image gives back as it was, on every ABI."""
    skeleton = draw(st.lists(st.one_of(_EMPTY), max_size=8))
    named = [replace(d, label=f"{'xy_'[i % 3]}{i}") for i, d in enumerate(skeleton)]
    every = [label for declaration in named for label in labels(declaration)]
    rings = [d.label for d in named if isinstance(d, Ring)]
    heads = [d.label for d in named if isinstance(d, Head)]
    sections = [d.label for d in named if isinstance(d, Section)]
    pipes = [d.label for d in named if isinstance(d, Pipe)]
    addresses = (
        st.nothing()
        if not every
        else st.builds(Address, st.sampled_from(every), st.integers(-64, 64))
    )
    pointers = (UNSIGNED if canonical else NUMBERS) | addresses
    indexes = UNSIGNED if canonical else NUMBERS
    not_null = pointers.filter(lambda pointer: pointer != 0)

    def head(label: str) -> st.SearchStrategy[Head]:
        return st.builds(
            Head,
            st.just(label),
            st.sampled_from(rings) if rings else st.none(),
            indexes,
            indexes,
            st.none() | not_null,
            st.none() | indexes.filter(bool),
        )

    def atom(label: str) -> st.SearchStrategy[Atom]:
        nrs = st.sampled_from(CALLS) | indexes
        tail = not_null if canonical else pointers
        args = st.just(()) | st.builds(
            lambda first, last: (*first, last), st.lists(pointers, max_size=5), tail
        )
        full = st.builds(Atom, st.just(label), nrs, args, FLAGS, pointers, pointers, pointers)
        packed = st.builds(
            Atom,
            st.just(label),
            nrs,
            st.lists(not_null, max_size=5).map(tuple),
            FLAGS,
            pointers,
            pointers,
            packed=st.just(True),
        )
        return full | packed

    declarations: list[Declaration] = []
    for declaration in named:
        match declaration:
            case Words(label):
                words = st.lists((SIGNED if canonical else NUMBERS) | addresses, min_size=1)
                declarations.append(Words(label, tuple(draw(words))))
            case Head(label):
                declarations.append(draw(head(label)))
            case Atom(label):
                declarations.append(draw(atom(label)))
            case _:
                declarations.append(declaration)
    steps: list[st.SearchStrategy[Step]] = [
        st.builds(Exec, pointers, pointers, st.booleans()),
        st.builds(Wait, NUMBERS, pointers, st.none() | NUMBERS, st.booleans()),
        st.builds(Store, pointers, st.lists(NUMBERS | addresses, min_size=1).map(tuple)),
        st.builds(Poke, pointers, BYTES),
        st.just(Join()),
    ]
    if sections:
        steps.append(st.builds(Unmap, st.sampled_from(sections)))
    if pipes:
        pipe = st.sampled_from(pipes)
        zeros = st.integers(60, 70).map(bytes)
        steps.append(st.builds(Feed, pipe, BYTES | zeros))
        steps.append(st.builds(Drain, pipe, st.integers(0, 99)))
        steps.append(
            st.builds(lambda p, e: Close(p + e), pipe, st.sampled_from([".read", ".write"]))
        )
    if heads:
        count = st.none() | st.integers(0, 99)
        steps.append(st.builds(Consume, st.sampled_from(heads), count))
    return Program(tuple(declarations), tuple(draw(st.lists(st.one_of(steps), max_size=5))))
