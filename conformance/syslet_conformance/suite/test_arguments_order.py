"""Area arguments: the result is stored before the next atom is fetched."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import NO_FLAGS, NULL, Address, Value
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import UNREADABLE, assert_words, await_end, block
from syslet_layouts import Abi, Flag


def _as_result(abi: Abi, field: str, flags: Flag, nr: int, value: Value) -> tuple[str, Value]:
    """The field to be stored over and the word to be stored there, for a result that sets it.

    Where flags and nr are half a word each, one word holds both.
    """
    if field not in ("flags", "nr"):
        return field, value
    if abi.atom_places[0].size_bytes == abi.word_bytes:
        return field, int(flags) if field == "flags" else nr
    return "flags", int(flags) | nr << 32


FIELDS = ("flags", "nr", "ret_ptr", "next", "arg_ptr[0]", "arg_ptr[1]", "arg_ptr[2]")


@checks("result.before-next-fetch")
@pytest.mark.both_modes
@pytest.mark.parametrize("by", ["next", "skip"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_result_may_be_a_field_of_the_following_atom(rig: Rig, field: str, by: str) -> None:
    build = Build()
    x, y, z = (build.word(label=label) for label in ("x", "y", "z"))
    got, other = build.word(label="got"), build.word(label="other")
    values: dict[str, Value] = {
        "ret_ptr": other,
        "next": Address("third"),
        "arg_ptr[0]": build.word(z),
        "arg_ptr[1]": build.word(0x1234),
        "arg_ptr[2]": NULL,
    }
    add = rig.number("umem_add")
    stops = Flag.STOP_ON_NONZERO if field == "flags" else NO_FLAGS
    over, value = _as_result(rig.abi, field, stops, add, values.get(field, 0))
    target = Address("second", rig.abi.atom_offsets[over])
    word = build.word(value, label="word")
    skips = Flag.SKIP_TO_NEXT_ON_STOP | Flag.STOP_ON_NONZERO | Flag.STOP_ON_ZERO
    first = build.add(
        word, 0, ret=target, flags=skips if by == "skip" else 0, next=Address("second")
    )
    build.atom(
        "getpid" if field == "nr" else "umem_add",
        build.word(x),
        build.word(3),
        UNREADABLE if field == "arg_ptr[2]" else NULL,
        ret=got,
        next=Address("fourth"),
        label="second",
    )
    build.add(x, 100, label="third")
    build.add(y, label="fourth")
    session, _ = rig.run(build, first)
    expected = {"x": 3, "y": 1, "z": 0, "got": 3, "other": 0}
    expected |= {
        "flags": {"y": 0},
        "nr": {},
        "ret_ptr": {"got": 0, "other": 3},
        "next": {"x": 103, "y": 0},
        "arg_ptr[0]": {"x": 0, "z": 3},
        "arg_ptr[1]": {"x": 0x1234, "got": 0x1234},
        "arg_ptr[2]": {},
    }[field]
    assert_words(session, **expected)


@checks("result.before-next-fetch")
@pytest.mark.both_modes
@pytest.mark.parametrize("field", ["next", "arg_ptr[2]"])
def test_the_result_of_a_read_that_blocked_may_be_a_null_in_the_following_atom(
    rig: Rig, field: str
) -> None:
    build = Build()
    pipe, x, y = build.pipe(), build.word(label="x"), build.word(label="y")
    target = Address("second", rig.abi.atom_offsets[field])
    first = build.read(pipe, ret=target, next=Address("second"))
    third = UNREADABLE if field == "arg_ptr[2]" else NULL
    build.atom(
        "umem_add", build.word(x), build.word(3), third, next=Address("third"), label="second"
    )
    build.add(y, label="third")
    session = rig.load(build, first)
    block(rig, session, first)
    session.close_end(f"{pipe}.write")
    await_end(rig, session)
    assert_words(session, x=3, y=0 if field == "next" else 1)
