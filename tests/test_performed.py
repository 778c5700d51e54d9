"""What a session performed, as text that does the same wherever it is loaded."""

from __future__ import annotations

import pytest

from syslet_conformance.backends import reference
from syslet_conformance.performed import program_text
from syslet_conformance.places import Places
from syslet_conformance.program import Address
from syslet_conformance.session import NO_ANSWER, Session
from syslet_conformance.text import parse
from syslet_layouts import ABIS, SysletError

DECLARED = """section data
word x = 5
word inc = 2
word target = &x
ring r 2
head h ring=r

section code
atom add umem_add(&target, &inc)

section copies
buffer copy 44

section gone
word unused = 0
"""

PERFORMED = """
store &inc = 7
store &copy = 0, 0x7503, 0, 0, &target, &inc, 0, 0, 0, 0, 0
poke &x+3 "\\x00"
exec &copy head=&h
exec 16 head=&h
wait 1 head=&h
unmap gone
consume h 1
"""
"""The copy of the atom: flags, nr (umem_add), ret_ptr, next, two argument pointers, and NULLs."""


def perform(session: Session) -> None:
    """What `PERFORMED` says, with numbers for addresses, and the atom as bytes."""
    size = session.abi.atom_size
    atom = session.engine.read(session.address("add"), size)
    session.set_word("inc", 7)
    session.write(session.address("copy"), atom)
    session.write(Address("x", 3), b"\0")
    session.exec(session.address("copy"), session.address("h"))
    session.exec(16, session.address("h"))
    session.wait(1, session.address("h"))
    session.unmap("gone")
    session.consume(1, "h")


def test_what_was_done_with_numbers_is_text_with_labels_that_does_the_same_elsewhere() -> None:
    engine = reference().open(ABIS["ilp32-le"])
    session = Session(engine, parse(DECLARED))
    perform(session)
    text = program_text(session)
    assert text == DECLARED + PERFORMED
    elsewhere = reference().open(ABIS["ilp32-le"])
    elsewhere.map(100_000)
    again = Session(elsewhere, parse(text))
    assert again.address("x") != session.address("x")
    for step in parse(text).steps:
        again.perform(step)
    assert again.word("x") == session.word("x") == 12
    assert program_text(again) == text
    first, second = session.address("copy"), again.address("copy")
    efault, nothing = ABIS["ilp32-le"].unsigned(-14), list[int]()
    assert session.gave == [None, None, None, first, efault, 0, None, nothing]
    assert again.gave == [None, None, None, second, efault, 0, None, nothing]


STARTED = """section data
ring r 2
head h ring=r
pipe p
word into = 0
word at = &into
word one = 1

section code
atom first read(&p.read, &at, &one)

"""


def test_a_call_that_the_test_waits_for_itself_is_joined_once_no_other_is_under_way() -> None:
    session = Session(reference().open(ABIS["ilp32-le"]), parse(STARTED))
    session.exec("first", "h")
    early, late = session.start_wait(0, "h"), session.start_wait(1, "h")
    assert early.join() == 0
    session.feed("p", b"x")
    assert late.join() == 0
    assert late.join() == 0
    assert session.join() == []
    assert program_text(session) == STARTED + (
        "exec &first head=&h\n"
        "wait 0 head=&h started\n"
        "wait 1 head=&h started\n"
        'feed p "x"\n'
        "join\n"
        "join\n"
    )
    assert session.gave[-2:] == [[0, 0], []]


def test_a_step_that_raises_gave_no_answer() -> None:
    session = Session(reference().open(ABIS["ilp32-le"]), parse(DECLARED))
    session.unmap("gone")
    with pytest.raises(SysletError):
        session.write("unused", b"x")
    assert session.gave == [None, NO_ANSWER]
    assert program_text(session).endswith('\nunmap gone\npoke &unused "x"\n')


def test_a_poke_too_long_for_a_text_is_said() -> None:
    session = Session(reference().open(ABIS["lp64-le"]), parse("buffer b 0x200000"))
    session.write("b", bytes(0x200000))
    assert program_text(session) == "# cannot be written as text: its steps poke 2097152 bytes\n"


def test_an_address_has_the_last_label_before_it_up_to_right_behind_its_section() -> None:
    session = Session(reference().open(ABIS["ilp32-le"]), parse("section s\nword a = 1, 2\nword b"))
    places, base = Places(session.layout, session.bases), session.address("a")
    found = {at: places.of(base + at) for at in (-1, 0, 5, 8, 12, 15, 16)}
    assert found == {
        -1: None,
        0: Address("a"),
        5: Address("a", 5),
        8: Address("b"),
        12: Address("b", 4),
        15: Address("b", 7),
        16: None,
    }
    assert [places.name(0), places.name(base + 5), places.name(7)] == ["NULL", "&a+5", "0x7"]
