"""Ring arithmetic: pure functions over a descriptor and slots (ring.*, wait.*)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syslet_layouts import AsyncHeadUser


def slot_count(head: AsyncHeadUser, word_bytes: int) -> int | None:
    """How many slots the ring has, or None where the descriptor cannot be right.

    It cannot with a NULL ring, a size of 0 or no multiple of the word, or an index of the
    engine's beyond the last slot (fault.descriptor).
    """
    slots, rest = divmod(head.ring_size_bytes, word_bytes)
    if not head.completion_ring or rest or not slots or head.kernel_ring_idx >= slots:
        return None
    return slots


def slot_address(head: AsyncHeadUser, index: int, word_bytes: int) -> int:
    """The address of slot `index` (layout.ring-slots)."""
    return head.completion_ring + index * word_bytes


def next_index(index: int, slots: int) -> int:
    """The index after `index`: after the last slot, 0 again (ring.wraps)."""
    return (index + 1) % slots


def indices_from(start: int, slots: int) -> Iterator[int]:
    """Every slot's index once, in the order in which events are read from `start`."""
    yield from range(start, slots)
    yield from range(start)


def events(slots: Sequence[int], user_ring_idx: int) -> int:
    """How many events can be read: the run of non-NULL slots that starts at `user_ring_idx`.

    A ring in which every slot is taken has as many events as slots
    (wait.counts-from-user-index, wait.full-ring).
    """
    count = 0
    for index in indices_from(user_ring_idx, len(slots)):
        if not slots[index]:
            break
        count += 1
    return count
