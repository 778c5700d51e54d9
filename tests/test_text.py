"""Program text: what it means, its canonical form, and what its errors say."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from program_strategies import programs

from syslet_conformance.program import (
    Address,
    Atom,
    Buffer,
    Bytes,
    Close,
    Consume,
    Drain,
    Exec,
    Feed,
    Head,
    Join,
    Pipe,
    Poke,
    Program,
    ProgramError,
    Ring,
    Section,
    Store,
    Unmap,
    Wait,
    Words,
)
from syslet_conformance.text import format_program, parse, read_text
from syslet_conformance.validate import Place, check_program, faults
from syslet_layouts import Flag

EVERYTHING = r"""
# a comment, and a blank line

section code
word n = 5, -0x10, &x+8 , &x-0x8   ; another
word x
string s = "a#;\n\t\\\"\x00é"
buffer buf 64
pipe p
ring r 4
head h ring=r user_ring_idx=1 kernel_ring_idx = 2
head liar completion_ring=&r+1 ring_size_bytes=0x10
head bare
atom first write(&n, NULL, _, 3) private=7 next=&second ret=&x \
    flags=ASYNC|STOP_ON_NEGATIVE|0x100
atom second nr(-1)() packed
exec &first head=&h
exec _ started head=0x10
wait 1 head=&h
wait -1 user_ring_idx=0 started head=&h
feed p "abc"
drain p 3
close p.read
consume h 2
consume h
store &n+8=-1,&x+0x8 , 0x10000
poke &s "\x00\n"
poke 0x20 ""
unmap code
join
"""

MEANING = Program(
    (
        Section("code"),
        Words("n", (5, -16, Address("x", 8), Address("x", -8))),
        Words("x", (0,)),
        Bytes("s", b'a#;\n\t\\"\0\xc3\xa9'),
        Buffer("buf", 64),
        Pipe("p"),
        Ring("r", 4),
        Head("h", "r", 2, 1),
        Head("liar", None, completion_ring=Address("r", 1), ring_size_bytes=16),
        Head("bare", None),
        Atom(
            "first",
            "write",
            (Address("n"), 0, 0, 3),
            Flag.ASYNC | Flag.STOP_ON_NEGATIVE | Flag(0x100),
            Address("x"),
            Address("second"),
            7,
        ),
        Atom("second", -1, packed=True),
    ),
    (
        Exec(Address("first"), Address("h")),
        Exec(0, 16, True),
        Wait(1, Address("h")),
        Wait(-1, Address("h"), 0, True),
        Feed("p", b"abc"),
        Drain("p", 3),
        Close("p.read"),
        Consume("h", 2),
        Consume("h"),
        Store(Address("n", 8), (-1, Address("x", 8), 0x10000)),
        Poke(Address("s"), b"\0\n"),
        Poke(32, b""),
        Unmap("code"),
        Join(),
    ),
)

CANONICAL = r"""section code
word n = 5, -16, &x+8, &x-8
word x = 0
string s = "a#;\n\t\\\"\x00\xc3\xa9"
buffer buf 64
pipe p
ring r 4
head h ring=r kernel_ring_idx=2 user_ring_idx=1
head liar completion_ring=&r+1 ring_size_bytes=16
head bare
atom first write(&n, _, _, 3) flags=ASYNC|STOP_ON_NEGATIVE|0x100 ret=&x next=&second private=7
atom second nr(-1)() packed

exec &first head=&h
exec _ head=16 started
wait 1 head=&h
wait -1 head=&h user_ring_idx=0 started
feed p "abc"
drain p 3
close p.read
consume h 2
consume h
store &n+8 = -1, &x+8, 0x10000
poke &s "\x00\n"
poke 32 ""
unmap code
join
"""


def test_every_statement_means_what_it_says() -> None:
    assert parse(EVERYTHING) == MEANING


def test_the_canonical_form_is_this_text() -> None:
    assert format_program(MEANING) == CANONICAL
    assert parse(CANONICAL) == MEANING


def test_line_ends_of_another_system_are_no_different() -> None:
    assert parse(EVERYTHING.replace("\n", "\r\n")) == MEANING


def test_words_of_the_grammar_can_be_labels() -> None:
    text = "word word = &ring\nring ring 1\nhead head ring=ring\natom exec join() flags=SYNC\n"
    assert format_program(parse(text)) == text


def test_the_empty_text_is_the_empty_program() -> None:
    assert parse("") == parse("\n # nothing") == Program()
    assert format_program(Program()) == ""


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_formatted_and_parsed_a_program_is_the_same(program: Program) -> None:
    text = format_program(program)
    assert parse(text) == program
    assert format_program(parse(text)) == text


@settings(deadline=None, max_examples=300)
@given(st.text() | st.text(alphabet='atomwrd sexc&|=()_0x,"\\\n#[].'))
def test_any_text_is_a_program_or_a_program_error(text: str) -> None:
    assert _is_refused(text) or parse(format_program(parse(text))) == parse(text)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(EVERYTHING)), st.integers(0, 9), st.text(max_size=3))
def test_mutated_text_is_a_program_or_a_program_error(at: int, cut: int, put: str) -> None:
    _is_refused(EVERYTHING[:at] + put + EVERYTHING[at + cut :])


def _is_refused(text: str) -> bool:
    """`text` gives a ProgramError of three lines; any other exception goes through."""
    try:
        parse(text)
    except ProgramError as error:
        first, _, caret = str(error).split("\n")
        return first.startswith("<text>:") and ", wanted " in first and caret.strip() == "^"
    return False


def test_an_error_shows_the_line_and_points_at_the_place() -> None:
    with pytest.raises(ProgramError) as error:
        parse("word n = 1\n\tword m = &nope  # oh\n", "f.syslet")
    assert str(error.value) == (
        "f.syslet:2:11: word of 'm' &nope, wanted a label of this program\n"
        "    \tword m = &nope  # oh\n"
        "    \t         ^"
    )


FAULTS = {
    "no-label": ("word", "1:5: the end of the line, wanted a label"),
    "unknown-statement": ("wordy n", "1:1: 'wordy', wanted atom, buffer"),
    "no-comma": ("word n = 1 2", "1:12: '2', wanted a comma or the end of the line"),
    "open-call": ("atom a write(1", "1:15: the end of the line, wanted ) or a comma"),
    "stray-character": ("word n = 1 $", "1:12: '$', wanted a comma or the end of the line"),
    "option-without-value": (
        "atom a write() ret=",
        "1:20: the end of the line, wanted &label, _ or",
    ),
    "option-twice": ("exec 1 head=1 head=2", "1:15: head= a second time, wanted it once"),
    "option-missing": ("exec 1", "1:1: exec without head=, wanted head="),
    "unknown-flag": ("atom a read() flags=SYNC|FAST", "1:26: flag 'FAST', wanted one of ASYNC"),
    "negative-flags": ("atom a read() flags=-1", "1:21: flags -1, wanted 0 or more"),
    "escape": ('string s = "ab\\q"', "1:15: escape \\q, wanted \\n"),
    "open-string": ('string s = "ab', "1:12: '\"', wanted a string in double quotes"),
    "digits": (f"word n = {'9' * 5000}", "1:10: a number of 5000 digits, wanted at most 40"),
    "number-too-large": ("word n = 0x10000000000000000", "1:10: word of 'n' 18446744073709551616"),
    "label-twice": ("word a\nword b\nring a 1", "3:6: label 'a' a second time, wanted"),
    "section-label-twice": ("section a\nword a", "2:6: label 'a' a second time, wanted"),
    "reserved-label": ("word NULL", "1:6: label 'NULL', wanted letters"),
    "end-as-label": ("pipe p\nword p.read", "2:6: label 'p.read', wanted letters"),
    "long-label": (f"word {'a' * 101}", "1:6: label 'aaa"),
    "unknown-label": ("atom a read(&b+4)", "1:13: argument pointer &b+4, wanted a label"),
    "no-pipe-end": ("word a\nword b = &a.read", "2:10: word of 'b' &a.read, wanted a label"),
    "seven-arguments": ("atom a read(1, 2, 3, 4, 5, 6, 7)", "1:6: 7 argument pointers, wanted at"),
    "negative-size": ("buffer b -1", "1:10: size of 'b' -1, wanted 0 to"),
    "huge-buffer": ("buffer b 0x7fffffffffff", "1:10: size of 'b' 140737488355327, wanted 0 to"),
    "no-slots": ("ring r 0", "1:8: slots of 'r' 0, wanted 1 to"),
    "head-of-no-ring": ("word w\nhead h ring=w", "2:13: ring 'w', wanted the label of a ring"),
    "packed-null": ("atom a read(1, _) packed", "1:19: a NULL among the arguments of the packed"),
    "packed-private": ("atom a read() private=1 packed", "1:25: private of the packed atom 'a'"),
    "feed-no-pipe": ('word w\nfeed w "x"', "2:6: pipe 'w', wanted the label of a pipe"),
    "drain-negative": ("pipe p\ndrain p -1", "2:9: count -1, wanted 0 to"),
    "close-a-pipe": ("pipe p\nclose p", "2:7: close 'p', wanted an end of a pipe"),
    "consume-no-head": ("ring r 1\nconsume r", "2:9: head 'r', wanted the label of a head"),
    "store-nothing": (
        "word w\nstore &w =",
        "2:11: the end of the line, wanted &label, _ or a number",
    ),
    "store-unknown": ("word w\nstore &w = 1, &x", "2:15: word &x, wanted a label of this program"),
    "store-nowhere": ("store &w = 1", "1:7: place &w, wanted a label of this program"),
    "feed-too-many": ("pipe p\nfeed p 0x4000001", "2:8: 67108865 zero bytes, wanted 0 to 67108864"),
    "feed-fewer-than-none": ("pipe p\nfeed p -1", "2:8: -1 zero bytes, wanted 0 to 67108864"),
    "poke-no-bytes": ("word w\npoke &w 5", "2:9: '5', wanted a string in double quotes"),
    "poke-nowhere": ('poke &w "x"', "1:6: place &w, wanted a label of this program"),
    "unmap-no-section": ("word w\nunmap w", "2:7: section 'w', wanted the label of a section"),
    "label-of-letters": ("word é", "1:6: 'é', wanted a label"),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_where_it_stands(text: str, said: str) -> None:
    with pytest.raises(ProgramError) as error:
        parse(text, "t")
    assert str(error.value).startswith(f"t:{said}")
    assert ", wanted " in str(error.value)


def test_each_declaration_and_step_knows_its_line() -> None:
    text = read_text("word a\n\n# b\natom c read()\njoin\n\njoin")
    assert text.declaration_lines == (1, 4)
    assert text.step_lines == (5, 7)
    assert text.line(Place("step", 1)) == 7


def test_a_program_made_by_hand_is_checked_alike() -> None:
    with pytest.raises(ProgramError, match=r"declaration 0: no value in 'w', wanted one or more"):
        check_program(Program((Words("w", ()),)))
    with pytest.raises(ProgramError, match=r"step 0: atom &x, wanted a label"):
        check_program(Program((), (Exec(Address("x"), 0),)))


def test_every_fault_is_found_in_order() -> None:
    program = Program((Ring("r", 0), Buffer("r", -1)), (Close("r"),))
    assert [(f.place.kind, f.place.index) for f in faults(program)] == [
        ("declaration", 0),
        ("declaration", 1),
        ("declaration", 1),
        ("step", 0),
    ]


def test_many_zero_bytes_are_fed_by_their_number() -> None:
    program = Program((Pipe("p"),), (Feed("p", bytes(65536)), Feed("p", bytes(3))))
    text = format_program(program)
    assert text == 'pipe p\n\nfeed p 0x10000\nfeed p "\\x00\\x00\\x00"\n'
    assert parse(text) == program
    assert parse("pipe p\nfeed p 3\n").steps == (Feed("p", bytes(3)),)
