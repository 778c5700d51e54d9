"""Layout, bytes and image files; expected bytes are written out by hand."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from program_strategies import programs

from syslet_conformance.image import (
    assemble,
    disassemble,
    disassemble_raw,
    lay_out,
    section_bytes,
)
from syslet_conformance.numbers import image_numbers
from syslet_conformance.program import (
    Address,
    Atom,
    Buffer,
    Bytes,
    Head,
    Pipe,
    Poke,
    Program,
    ProgramError,
    Ring,
    Section,
    Store,
    Unmap,
    Words,
)
from syslet_conformance.text import format_program, parse
from syslet_layouts import ABIS, Abi

ILP32_BE = ABIS["ilp32-be"]
LP64_LE = ABIS["lp64-le"]
EVERY_ABI = st.sampled_from(sorted(ABIS)).map(ABIS.__getitem__)
NO_PIPES: dict[str, tuple[int, int]] = {}

TWO_ATOMS = """
word fd = 1
word n = -2
atom first write(&fd, &n) flags=ASYNC|SKIP_TO_NEXT_ON_STOP ret=&n next=&second private=7
atom second getpid() packed
"""

TWO_ATOMS_ILP32_BE = bytes.fromhex(
    "00000001"  # fd
    "fffffffe"  # n
    "00000081"  # first: flags = ASYNC 0x01 | SKIP 0x80
    "00000004"  # nr = write
    "00001004"  # ret_ptr = &n
    "00001034"  # next = &second, 0x1000 + 8 + 44
    "00001000"  # arg_ptr[0] = &fd
    "00001004"  # arg_ptr[1] = &n
    "00000000000000000000000000000000"  # arg_ptr[2] to arg_ptr[5]
    "00000007"  # private
    "00000000"  # second: flags
    "00000014"  # nr = getpid
    "00000000"  # ret_ptr
    "00000000"  # next
    "00000000"  # arg_ptr[0] = NULL, and there it is cut off
)


def loaded(text: str, abi: Abi, base: int = 0x1000) -> bytes:
    """The bytes of the one section of a program that is loaded at `base`."""
    program = parse(text)
    numbers = {"write": 4, "getpid": 20, "read": 3}
    (data,) = section_bytes(program, abi, lay_out(program, abi), [base], numbers, {"p": (5, 6)})
    return data


def offsets(text: str, abi: Abi) -> list[int]:
    """The offset of each declaration of a program with one section."""
    (section,) = lay_out(parse(text), abi).sections
    return [placed.offset for placed in section.placed] + [section.size_bytes]


def test_two_atoms_on_ilp32_be_are_these_bytes() -> None:
    assert loaded(TWO_ATOMS, ILP32_BE) == TWO_ATOMS_ILP32_BE


def test_a_full_atom_is_followed_by_the_next_at_its_stride() -> None:
    assert offsets("atom a read()\natom b read()", ILP32_BE) == [0, 44, 88]
    assert offsets("atom a read()\natom b read()", LP64_LE) == [0, 88, 176]
    assert offsets("atom a read()\natom b read()", ABIS["fixed64-le"]) == [0, 80, 160]


def test_a_packed_atom_is_followed_right_after_its_first_null() -> None:
    assert offsets("atom a read(1, 2) packed\natom b read() packed", ILP32_BE) == [0, 28, 48]
    assert offsets("atom a read(1, 2) packed\natom b read() packed", LP64_LE) == [0, 56, 96]


def test_a_packed_atom_of_six_arguments_is_a_full_one() -> None:
    assert offsets("atom a read(1, 2, 3, 4, 5, 6) private=9 packed", LP64_LE) == [0, 88]


def test_a_word_after_a_string_is_aligned_with_zeros() -> None:
    assert loaded('string s = "abc"\nword n = 1', LP64_LE) == b"abc" + bytes(5) + b"\1" + bytes(7)


def test_a_string_at_the_end_is_moved_up_to_end_its_section() -> None:
    assert loaded('word n = 1\nstring s = "abc"', ILP32_BE) == b"\0\0\0\1" + b"\0abc"
    assert offsets('word n\nstring s = "abc"', LP64_LE) == [0, 13, 16]


def test_a_buffer_of_whole_words_is_aligned_and_another_is_not() -> None:
    assert offsets('string s = "a"\nbuffer b 8\nbuffer c 3', ILP32_BE) == [0, 4, 13, 16]
    assert offsets('string s = "a"\nbuffer b 7', ILP32_BE) == [0, 1, 8]


def test_a_section_without_declarations_has_no_bytes() -> None:
    layout = lay_out(parse("section a\nsection b\nword n = &a"), ILP32_BE)
    assert [(s.label, s.size_bytes) for s in layout.sections] == [("a", 0), ("b", 4)]


def test_a_section_of_strings_alone_is_not_padded() -> None:
    assert loaded('string s = "abc"\nstring t = "de"', LP64_LE) == b"abcde"


def test_what_stands_before_the_first_section_has_a_section_of_its_own() -> None:
    layout = lay_out(parse("word a\nsection code\nword b\nword c"), ILP32_BE)
    assert [(s.label, s.size_bytes) for s in layout.sections] == [(None, 4), ("code", 8)]
    assert layout.labels == {"a": (0, 0), "code": (1, 0), "b": (1, 0), "c": (1, 4)}


def test_a_pipe_is_two_words_with_its_descriptors() -> None:
    assert loaded("pipe p\nword at = &p.write", ILP32_BE).hex() == "000000050000000600001004"


def test_a_head_takes_address_and_size_from_its_ring() -> None:
    data = loaded("ring r 3\nhead h ring=r user_ring_idx=2", ILP32_BE)
    assert data.hex() == "00" * 12 + "0000000000000002000010000000000c" + "00" * 16


def test_a_head_can_lie_about_its_ring() -> None:
    data = loaded("ring r 1\nhead h ring=r completion_ring=_ ring_size_bytes=3", ILP32_BE)
    assert data.hex() == "00" * 12 + "0000000000000003" + "00" * 16


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("word big = 0x100000000", "word 0 of 'big': 4294967296, wanted"),
        ("word x = &x-0x1000", "word 0 of 'x': address &x-4096 is 0x0, wanted 0x1"),
        ("atom a read(0x100000000)", "arg_ptr[0] of 'a'"),
        ("atom a read() private=0x100000000", "private of 'a'"),
        ("atom a read() flags=0x100000000", "flags of 'a'"),
        ("atom a nr(0x100000000)()", "nr of 'a'"),
        ("atom a fork()", "nr of 'a': no number for 'fork'"),
        ("head h kernel_ring_idx=0x100000000", "kernel_ring_idx of 'h'"),
        ("pipe q", "pipe 'q' has no descriptors"),
    ],
)
def test_what_does_not_fit_names_label_and_field(text: str, said: str) -> None:
    with pytest.raises(ProgramError) as error:
        loaded(text, ILP32_BE)
    assert said.replace("wanted 0x1", "wanted 1 to") in str(error.value)


def test_numbers_may_come_from_a_function_that_does_not_know_them_all() -> None:
    program = parse("atom a read()")
    layout = lay_out(program, ILP32_BE)
    (data,) = section_bytes(program, ILP32_BE, layout, [64], lambda _: 9, NO_PIPES)
    assert data[4:8] == b"\0\0\0\x09"
    with pytest.raises(ProgramError, match="no number for 'read'"):
        section_bytes(program, ILP32_BE, layout, [64], lambda _: None, NO_PIPES)


def test_names_have_linux_numbers_in_an_image() -> None:
    program = parse("atom a write() packed")
    assert bytes.fromhex("0000000000000004") in assemble(program, ABIS["ilp32-be"])
    assert bytes.fromhex("00000000000000000000000000000001") in assemble(program, ABIS["lp64-be"])
    named = assemble(program, ABIS["ilp32-be"], numbers={"write": 0x4242})
    assert bytes.fromhex("0000000000004242") in named
    assert disassemble(named) == program


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs(canonical=True), EVERY_ABI)
def test_a_canonical_program_comes_back_out_of_its_image(program: Program, abi: Abi) -> None:
    assert disassemble(assemble(program, abi)) == program


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs(), EVERY_ABI)
def test_text_to_bytes_to_text_is_a_fixpoint(program: Program, abi: Abi) -> None:
    once = format_program(disassemble(assemble(parse(format_program(program)), abi)))
    twice = format_program(disassemble(assemble(parse(once), abi)))
    assert once == twice


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"SYSLETIM\0\1" + data))
def test_random_bytes_are_refused_with_an_offset(data: bytes) -> None:
    with pytest.raises(ProgramError, match=r"image offset \d+: .*wanted"):
        disassemble(data)


def test_a_section_past_the_end_of_the_address_space_says_what_was_wanted() -> None:
    image = bytearray(assemble(Program((Section("x0"),)), ILP32_BE))
    image[24] ^= 1  # the highest byte of the section's address
    wanted = "section ends at 0x100000000010000, wanted at most 0xffffffff on ilp32-be"
    with pytest.raises(ProgramError, match=wanted):
        disassemble(bytes(image))


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(programs(), EVERY_ABI, st.data())
def test_a_mutated_image_is_refused_or_is_another_canonical_one(
    program: Program, abi: Abi, data: st.DataObject
) -> None:
    image = bytearray(assemble(program, abi))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(image) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip":
                image[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del image[at : at + data.draw(st.integers(1, 9))]
            case "insert":
                image[at:at] = data.draw(st.binary(min_size=1, max_size=9))
            case "repeat":
                image[at:at] = image[max(0, at - 16) : at]
        if not image:
            break
    found, said = _disassembled(bytes(image))
    if found is None:
        assert "image offset" in said
        assert "wanted" in said
    else:
        assert parse(format_program(found)) == found


def _disassembled(image: bytes) -> tuple[Program | None, str]:
    """The program in an image, or what the refusal says; any other exception goes through."""
    try:
        return disassemble(image), ""
    except ProgramError as error:
        return None, str(error)


def test_every_cut_of_an_image_is_refused() -> None:
    image = assemble(parse(TWO_ATOMS + "\nexec &first head=_"), ILP32_BE)
    for length in range(len(image)):
        with pytest.raises(ProgramError, match=r"image offset \d+: "):
            disassemble(image[:length])


def test_a_byte_of_padding_that_is_not_zero_is_refused_with_its_offset() -> None:
    image = bytearray(assemble(parse('string s = "abc"\nword n = 1'), LP64_LE))
    at = image.index(b"abc") + 3
    image[at] = 9
    with pytest.raises(ProgramError, match=f"image offset {at}: 09, wanted 00"):
        disassemble(bytes(image))


def test_a_raw_image_is_followed_from_its_entry() -> None:
    program = disassemble_raw(ILP32_BE, TWO_ATOMS_ILP32_BE, base=0x1000, entry=0x1008)
    assert format_program(program) == (
        "word word_1 = 1\n"
        "word word_2 = -2\n"
        "atom atom_1 write(&word_1, &word_2) flags=ASYNC|SKIP_TO_NEXT_ON_STOP"
        " ret=&word_2 next=&atom_2 private=7\n"
        "atom atom_2 getpid() packed\n"
    )


@pytest.mark.parametrize("entry", [0, 0x0FFC, 0x1009, 0x1048, 1 << 40], ids=hex)
def test_a_raw_image_without_an_atom_at_its_entry_is_refused(entry: int) -> None:
    with pytest.raises(ProgramError, match="wanted one at the entry"):
        disassemble_raw(ILP32_BE, TWO_ATOMS_ILP32_BE, base=0x1000, entry=entry)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVERY_ABI, st.data())
def test_a_raw_image_laid_out_again_has_the_same_bytes(abi: Abi, data: st.DataObject) -> None:
    base, word = 0x10000, abi.word_bytes
    words = data.draw(
        st.lists(
            st.integers(0, 60).map(lambda i: base + i * word) | st.integers(0, 255), max_size=60
        )
    )
    memory = b"".join(w.to_bytes(word, abi.byteorder) for w in words)
    try:
        program = disassemble_raw(abi, memory, base, base + word * data.draw(st.integers(0, 9)))
    except ProgramError:
        return
    image = disassemble(assemble(program, abi, bases=[base]))
    assert parse(format_program(program)) == program
    (again,) = section_bytes(image, abi, lay_out(image, abi), [base], image_numbers(abi), NO_PIPES)
    assert again == memory


def test_an_image_for_a_word_too_small_is_refused() -> None:
    program = Program((Section("s"), Words("w", (1 << 40,))))
    assert disassemble(assemble(program, LP64_LE)) == program
    with pytest.raises(ProgramError, match="word 0 of 'w'"):
        assemble(program, ILP32_BE)


def test_every_way_to_change_memory_comes_back() -> None:
    program = Program(
        (Section("data"), Words("words", (1, -1))),
        (
            Store(Address("words", 1), (-1, Address("words"), 1 << 63)),
            Poke(Address("data"), b"\0\xff"),
            Poke(7, b""),
            Unmap("data"),
        ),
    )
    for abi in ABIS.values():
        assert disassemble(assemble(program, abi)) == program


def test_every_kind_of_declaration_comes_back() -> None:
    program = Program(
        (
            Bytes("text", b"\0\xff"),
            Section("data"),
            Words("words", (1, -1, Address("text", 1))),
            Buffer("room", 3),
            Pipe("ends"),
            Ring("ring", 2),
            Head("head", "ring", 1, 1),
            Head("liar", "ring", completion_ring=Address("ring", 1), ring_size_bytes=7),
            Atom("end", "read", (Address("ends.read"), 0, 5), next=Address("end")),
        )
    )
    for abi in ABIS.values():
        assert disassemble(assemble(program, abi)) == program
