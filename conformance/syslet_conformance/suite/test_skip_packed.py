"""Area skip: the stride is a full atom, however much of one there is."""

from __future__ import annotations

import pytest

from syslet_conformance.builder import Build
from syslet_conformance.program import Address, Words
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.steps import (
    assert_slots,
    assert_succeeded,
    assert_words,
    block,
)
from syslet_conformance.suite.stop_table import SKIP_ALWAYS, SKIP_ON_ZERO
from syslet_layouts import packed_size


@checks("skip.full-stride-when-packed", "skip.stride", "arg.packed-atom")
@pytest.mark.both_modes
@pytest.mark.parametrize("arguments", range(6))
def test_a_packed_atom_skips_over_the_variables_behind_it(rig: Rig, arguments: int) -> None:
    abi = rig.abi
    gap = (abi.atom_size - packed_size(abi, arguments)) // abi.word_bytes
    build = Build()
    wrong, pointers = build.word(label="wrong"), [build.word(1) for _ in range(arguments)]
    first = build.atom(
        "getpid", *pointers, flags=SKIP_ALWAYS, next=Address("far_atom"), packed=True, label="first"
    )
    build.code += [Words(f"variable{number}", (number + 1,)) for number in range(gap)]
    target = build.add(Address("variable0"), 10, label="target")
    build.add(wrong, label="far_atom")
    session, ran = rig.run(build, first)
    expected = {f"variable{number}": number + 1 for number in range(gap)}
    assert_words(session, **expected | {"variable0": 11, "wrong": 0})
    rig.assert_ended_at(session, ran, target)


@checks("skip.full-stride-when-packed")
@pytest.mark.both_modes
def test_a_packed_atom_skips_over_another_that_lies_directly_behind_it(rig: Rig) -> None:
    abi = rig.abi
    gap = (abi.atom_size - 2 * packed_size(abi, 0)) // abi.word_bytes
    build = Build()
    near, wrong = build.word(label="near"), build.word(label="wrong")
    first = build.atom("getpid", flags=SKIP_ALWAYS, packed=True, label="first")
    build.atom("getpid", ret=wrong, packed=True, label="directly_behind")
    build.code.append(Words("gap", (-1,) * gap))
    target = build.add(near, label="target")
    session, ran = rig.run(build, first)
    assert_words(session, near=1, wrong=0)
    rig.assert_ended_at(session, ran, target)


@checks("skip.full-stride-when-packed", "skip.target-is-ordinary", "arg.packed-atom")
@pytest.mark.both_modes
@pytest.mark.parametrize("skips", [1, 3])
def test_packed_atoms_skip_to_packed_atoms_up_to_the_end_of_memory(rig: Rig, skips: int) -> None:
    abi = rig.abi
    gap = (abi.atom_size - packed_size(abi, 2)) // abi.word_bytes
    build = Build()
    count = build.word(label="count")
    for number in range(skips):
        build.add(count, flags=SKIP_ALWAYS, packed=True, label=f"atom_{number}")
        build.code.append(Words(f"gap_{number}", (-1,) * gap))
    last = build.add(count, packed=True, label="last")
    session, ran = rig.run(build, Address("atom_0"))
    assert_words(session, count=skips + 1)
    rig.assert_ended_at(session, ran, last)


@checks("skip.full-stride-when-packed", "skip.no-stop-follows-next")
@pytest.mark.both_modes
def test_a_packed_atom_at_the_end_of_memory_that_does_not_stop_follows_next(rig: Rig) -> None:
    build = Build()
    count = build.word(1, label="count")
    last = build.add(count, label="last")
    build.section()
    first = build.add(count, flags=SKIP_ON_ZERO, next=last, packed=True, label="first")
    session, ran = rig.run(build, first)
    assert_words(session, count=3)
    rig.assert_ended_at(session, ran, last)


@checks("skip.full-stride-when-packed")
@pytest.mark.both_modes
def test_a_packed_atom_that_was_blocked_skips_a_full_stride(rig: Rig) -> None:
    abi = rig.abi
    gap = (abi.atom_size - packed_size(abi, 3)) // abi.word_bytes
    build = Build()
    pipe, near = build.pipe(), build.word(label="near")
    first = build.read(pipe, flags=SKIP_ALWAYS, packed=True, label="first")
    build.code.append(Words("gap", (-1,) * gap))
    target = build.add(near, packed=True, label="target")
    session = rig.load(build, first)
    block(rig, session, first)
    session.feed(pipe, b"x")
    assert_succeeded(rig, session.wait(1))
    assert_words(session, near=1)
    assert_slots(session, target, 0, 0, 0)


@checks("skip.full-stride-when-packed")
@pytest.mark.both_modes
def test_six_arguments_are_no_reason_for_another_stride(rig: Rig) -> None:
    build = Build()
    near, pointers = build.word(label="near"), [build.word(1) for _ in range(6)]
    first = build.atom("getpid", *pointers, flags=SKIP_ALWAYS, private=-1, label="first")
    target = build.add(near, label="target")
    session, ran = rig.run(build, first)
    assert_words(session, near=1)
    rig.assert_ended_at(session, ran, target)
