"""Makes a stream smaller by leaving out steps and atoms, as many as can be: few plays do much.

`shrink` makes the rest plainer. Where a play takes seconds, because the engine hangs, this is what
the time is enough for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syslet_conformance.fuzz.stream import EXEC, Stream


def cut(stream: Stream, still_differs: Callable[[Stream], bool]) -> Stream:
    """A stream without what can be left out, such that it `still_differs`."""
    before = None
    while stream != before:
        before = stream
        stream = _smaller(stream, still_differs, _without_steps)
        stream = _smaller(stream, still_differs, _without_an_atom)
    return stream


def _smaller(
    stream: Stream,
    still_differs: Callable[[Stream], bool],
    candidates: Callable[[Stream], Iterator[Stream]],
) -> Stream:
    while True:
        for smaller in candidates(stream):
            if still_differs(smaller):
                stream = smaller
                break
        else:
            return stream


def _without_steps(stream: Stream) -> Iterator[Stream]:
    """Without the last steps, the more of them the sooner; then without runs of others."""
    steps, size = stream.steps, len(stream.steps) // 2
    while size:
        for end in range(len(steps), size - 1, -size):
            yield stream._replace(steps=steps[: end - size] + steps[end:])
        size //= 2


def _without_an_atom(stream: Stream) -> Iterator[Stream]:
    """Without one; what led to it goes where it led, or ends. So do execs that started there."""
    for gone in reversed(stream.atoms):
        left = [atom for atom in stream.atoms if atom is not gone]
        for following in dict.fromkeys((gone.next if gone.next != gone.at else 0, 0, gone.at)):
            yield stream._replace(
                atoms=tuple(
                    atom._replace(next=following) if atom.next == gone.at else atom for atom in left
                ),
                steps=tuple(
                    step._replace(a=following or gone.at)
                    if step.kind == EXEC and step.a == gone.at
                    else step
                    for step in stream.steps
                ),
            )
