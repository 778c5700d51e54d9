"""Layouts: numbers written out by hand, round trips, and every message of an error."""

from __future__ import annotations

import pickle

import pytest
from construct import GreedyRange
from hypothesis import given
from hypothesis import strategies as st

from syslet_layouts import (
    ABIS,
    ARGUMENTS,
    STOP_FLAGS,
    Abi,
    AsyncHeadUser,
    Flag,
    LayoutError,
    SysletError,
    SysletUatom,
    abi_named,
    decode_atom,
    decode_head,
    decode_ring,
    decode_words,
    encode_atom,
    encode_head,
    encode_ring,
    encode_words,
    iter_atoms,
    packed_size,
)

ATOM_FIELDS = (
    "flags",
    "nr",
    "ret_ptr",
    "next",
    "arg_ptr[0]",
    "arg_ptr[1]",
    "arg_ptr[2]",
    "arg_ptr[3]",
    "arg_ptr[4]",
    "arg_ptr[5]",
    "private",
)
HEAD_FIELDS = (
    "kernel_ring_idx",
    "user_ring_idx",
    "completion_ring",
    "ring_size_bytes",
    "head_stack",
    "head_eip",
    "new_thread_stack",
    "new_thread_eip",
)

ATOM_OFFSETS = {
    "ilp32-le": (0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40),
    "ilp32-be": (0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40),
    "lp64-le": (0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80),
    "lp64-be": (0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80),
    "fixed64-le": (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72),
}
HEAD_OFFSETS = {
    "ilp32-le": (0, 4, 8, 12, 16, 20, 24, 28),
    "ilp32-be": (0, 4, 8, 12, 16, 20, 24, 28),
    "lp64-le": (0, 8, 16, 24, 32, 40, 48, 56),
    "lp64-be": (0, 8, 16, 24, 32, 40, 48, 56),
    "fixed64-le": (0, 8, 16, 24, 32, 40, 48, 56),
}
SIZES = {
    # name: word, flags and nr, atom, descriptor
    "ilp32-le": (4, 4, 44, 32),
    "ilp32-be": (4, 4, 44, 32),
    "lp64-le": (8, 8, 88, 64),
    "lp64-be": (8, 8, 88, 64),
    "fixed64-le": (8, 4, 80, 64),
}
PACKED_SIZES = {
    # name: bytes with 0, 1, 2, 3, 4, 5 and 6 parameters
    "ilp32-le": (20, 24, 28, 32, 36, 40, 44),
    "ilp32-be": (20, 24, 28, 32, 36, 40, 44),
    "lp64-le": (40, 48, 56, 64, 72, 80, 88),
    "lp64-be": (40, 48, 56, 64, 72, 80, 88),
    "fixed64-le": (32, 40, 48, 56, 64, 72, 80),
}

EVERY_ABI = pytest.mark.parametrize("abi", ABIS.values(), ids=ABIS)
ANY_ABI = st.sampled_from(list(ABIS.values()))

ILP32_LE = ABIS["ilp32-le"]
LP64_BE = ABIS["lp64-be"]
FIXED64_LE = ABIS["fixed64-le"]

ONE_TO_ELEVEN = SysletUatom(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)


def unsigned(size_bytes: int) -> st.SearchStrategy[int]:
    greatest = (1 << 8 * size_bytes) - 1
    return st.integers(0, greatest) | st.sampled_from([0, 1, greatest])


@st.composite
def abis_and_atoms(draw: st.DrawFn) -> tuple[Abi, SysletUatom]:
    abi = draw(ANY_ABI)
    return abi, SysletUatom(*(draw(unsigned(place.size_bytes)) for place in abi.atom_places))


@st.composite
def abis_and_heads(draw: st.DrawFn) -> tuple[Abi, AsyncHeadUser]:
    abi = draw(ANY_ABI)
    return abi, AsyncHeadUser(*(draw(unsigned(place.size_bytes)) for place in abi.head_places))


@st.composite
def abis_and_words(draw: st.DrawFn) -> tuple[Abi, list[int]]:
    abi = draw(ANY_ABI)
    return abi, draw(st.lists(unsigned(abi.word_bytes)))


# -- the table of ABIs -------------------------------------------------------------------


def test_every_abi_has_numbers_written_by_hand() -> None:
    assert list(ABIS) == ["ilp32-le", "ilp32-be", "lp64-le", "lp64-be", "fixed64-le"]
    assert all(name == abi.name for name, abi in ABIS.items())
    assert set(ATOM_OFFSETS) == set(HEAD_OFFSETS) == set(SIZES) == set(PACKED_SIZES) == set(ABIS)


@EVERY_ABI
def test_sizes(abi: Abi) -> None:
    word, half, atom, head = SIZES[abi.name]
    assert abi.word_bytes == word
    assert abi.atom_size == abi.atom.sizeof() == abi.atom_struct.size == atom
    assert abi.head_size == abi.head.sizeof() == abi.head_struct.size == head
    assert abi.word_struct.size == word
    assert {place.size_bytes for place in abi.atom_places[:2]} == {half}
    assert {place.size_bytes for place in abi.atom_places[2:]} == {word}
    assert {place.size_bytes for place in abi.head_places} == {word}


@EVERY_ABI
def test_offsets_of_the_atom(abi: Abi) -> None:
    assert abi.atom_offsets == dict(zip(ATOM_FIELDS, ATOM_OFFSETS[abi.name], strict=True))
    assert tuple(place.name for place in abi.atom_places) == ATOM_FIELDS


@EVERY_ABI
def test_offsets_of_the_descriptor(abi: Abi) -> None:
    assert abi.head_offsets == dict(zip(HEAD_FIELDS, HEAD_OFFSETS[abi.name], strict=True))
    assert tuple(place.name for place in abi.head_places) == HEAD_FIELDS


@EVERY_ABI
def test_fields_touch_without_padding(abi: Abi) -> None:
    for places, size in ((abi.atom_places, abi.atom_size), (abi.head_places, abi.head_size)):
        ends = [place.offset + place.size_bytes for place in places]
        assert ends == [place.offset for place in places[1:]] + [size]


@EVERY_ABI
def test_byte_order_is_the_end_of_the_name(abi: Abi) -> None:
    assert abi.byteorder == {"le": "little", "be": "big"}[abi.name[-2:]]
    assert encode_words(abi, [1])[0] == (abi.byteorder == "little")


def test_range_of_a_word_of_four_bytes() -> None:
    assert ILP32_LE.word_mask == 0xFFFF_FFFF
    assert (ILP32_LE.word_min, ILP32_LE.word_max) == (-0x8000_0000, 0x7FFF_FFFF)


def test_range_of_a_word_of_eight_bytes() -> None:
    assert FIXED64_LE.word_mask == 0xFFFF_FFFF_FFFF_FFFF
    assert FIXED64_LE.word_min == -0x8000_0000_0000_0000
    assert FIXED64_LE.word_max == 0x7FFF_FFFF_FFFF_FFFF


@pytest.mark.parametrize(
    ("word", "value"),
    [
        pytest.param(0, 0, id="zero"),
        pytest.param(0x7FFF_FFFF, 0x7FFF_FFFF, id="greatest"),
        pytest.param(0x8000_0000, -0x8000_0000, id="least"),
        pytest.param(0xFFFF_FFFF, -1, id="minus_one"),
        pytest.param(0xFFFF_FFF2, -14, id="efault"),
    ],
)
def test_words_of_four_bytes_have_a_sign(word: int, value: int) -> None:
    assert ILP32_LE.signed(word) == value
    assert ILP32_LE.unsigned(value) == word


def test_unsigned_is_modulo_the_size_of_a_word() -> None:
    assert ILP32_LE.unsigned(0x1_0000_0002) == 2
    assert LP64_BE.unsigned(-1) == 0xFFFF_FFFF_FFFF_FFFF


@EVERY_ABI
def test_an_abi_pickles_to_itself(abi: Abi) -> None:
    assert pickle.loads(pickle.dumps(abi)) is abi
    assert abi_named(abi.name) is abi
    assert repr(abi) == f"Abi({abi.name})"


def test_an_unknown_abi_names_those_that_there_are() -> None:
    with pytest.raises(LayoutError) as caught:
        abi_named("lp64")
    assert str(caught.value) == (
        "no ABI 'lp64'; wanted one of ilp32-le, ilp32-be, lp64-le, lp64-be, fixed64-le"
    )
    assert isinstance(caught.value, SysletError)


# -- flags -------------------------------------------------------------------------------


def test_flag_values() -> None:
    assert {flag.name: flag.value for flag in Flag} == {
        "ASYNC": 0x01,
        "SYNC": 0x02,
        "NO_COMPLETE": 0x04,
        "STOP_ON_NONZERO": 0x08,
        "STOP_ON_ZERO": 0x10,
        "STOP_ON_NEGATIVE": 0x20,
        "STOP_ON_NON_POSITIVE": 0x40,
        "SKIP_TO_NEXT_ON_STOP": 0x80,
    }
    assert STOP_FLAGS == 0x78


@EVERY_ABI
@pytest.mark.parametrize("flag", Flag, ids=lambda flag: str(flag.name).lower())
def test_the_flags_definition_names_each_bit(abi: Abi, flag: Flag) -> None:
    half = SIZES[abi.name][1]
    data = flag.value.to_bytes(half, abi.byteorder)
    parsed = abi.flags.parse(data)
    assert [name for name in Flag.__members__ if parsed[name]] == [flag.name]
    assert abi.flags.build({flag.name: True}) == data
    assert abi.flags.sizeof() == half


@EVERY_ABI
def test_the_flags_definition_keeps_bits_without_a_name(abi: Abi) -> None:
    data = (0x100 | Flag.SYNC).to_bytes(SIZES[abi.name][1], abi.byteorder)
    assert abi.flags.parse(data).SYNC
    assert abi.flags.build(0x102) == data


# -- atoms -------------------------------------------------------------------------------


def test_bytes_of_an_atom_written_by_hand() -> None:
    words = [bytes([number, 0, 0, 0]) for number in range(1, 12)]
    assert encode_atom(ILP32_LE, ONE_TO_ELEVEN) == b"".join(words)
    wide = [bytes(7) + bytes([number]) for number in range(1, 12)]
    assert encode_atom(LP64_BE, ONE_TO_ELEVEN) == b"".join(wide)
    mixed = [b"\1\0\0\0\2\0\0\0", *(bytes([number]) + bytes(7) for number in range(3, 12))]
    assert encode_atom(FIXED64_LE, ONE_TO_ELEVEN) == b"".join(mixed)


def test_an_atom_is_nothing_but_zeros_by_default() -> None:
    assert encode_atom(ILP32_LE, SysletUatom()) == bytes(44)


def test_argument_pointers_are_a_tuple_of_six() -> None:
    assert ARGUMENTS == 6
    assert ONE_TO_ELEVEN.arg_ptr == (5, 6, 7, 8, 9, 10)


@pytest.mark.parametrize(
    ("pointers", "parameters"),
    [
        pytest.param((0, 9, 9, 9, 9, 9), 0, id="null_first"),
        pytest.param((9, 9, 0, 9, 9, 9), 2, id="null_in_the_middle"),
        pytest.param((9, 9, 9, 9, 9, 0), 5, id="null_last"),
        pytest.param((9, 9, 9, 9, 9, 9), 6, id="no_null"),
    ],
)
def test_parameters_are_the_pointers_before_the_first_null(
    pointers: tuple[int, ...], parameters: int
) -> None:
    assert SysletUatom._make((1, 2, 3, 4, *pointers, 11)).parameters == parameters


@given(abis_and_atoms())
def test_atoms_come_back_from_their_bytes(drawn: tuple[Abi, SysletUatom]) -> None:
    abi, atom = drawn
    data = encode_atom(abi, atom)
    assert len(data) == abi.atom_size
    assert decode_atom(abi, data) == atom


@given(abis_and_atoms())
def test_construct_and_the_fast_path_agree_on_atoms(drawn: tuple[Abi, SysletUatom]) -> None:
    abi, atom = drawn
    data = encode_atom(abi, atom)
    parsed = abi.atom.parse(data)
    assert (
        parsed.flags,
        parsed.nr,
        parsed.ret_ptr,
        parsed.next,
        *parsed.arg_ptr,
        parsed.private,
    ) == atom
    assert abi.atom.build(parsed) == data


@given(ANY_ABI, st.data())
def test_every_stretch_of_bytes_is_an_atom_and_comes_back(abi: Abi, data: st.DataObject) -> None:
    drawn = data.draw(st.binary(min_size=abi.atom_size, max_size=abi.atom_size))
    assert encode_atom(abi, decode_atom(abi, drawn)) == drawn


# -- packed atoms ------------------------------------------------------------------------


@EVERY_ABI
@pytest.mark.parametrize("parameters", range(7))
def test_a_packed_atom_ends_after_its_first_null(abi: Abi, parameters: int) -> None:
    pointers = (9,) * parameters + (0,) * (ARGUMENTS - parameters)
    atom = SysletUatom(1, 2, 3, 4, *pointers)
    data = encode_atom(abi, atom, packed=True)
    assert len(data) == packed_size(abi, parameters) == PACKED_SIZES[abi.name][parameters]
    assert data == encode_atom(abi, atom)[: len(data)]
    assert decode_atom(abi, data, packed=True) == atom


@given(abis_and_atoms())
def test_packed_atoms_keep_what_lies_before_their_null(drawn: tuple[Abi, SysletUatom]) -> None:
    abi, atom = drawn
    back = decode_atom(abi, encode_atom(abi, atom, packed=True), packed=True)
    kept = 11 if atom.parameters == ARGUMENTS else 4 + atom.parameters
    assert back[:kept] == atom[:kept]
    assert back[kept:] == (0,) * (11 - kept)


@pytest.mark.parametrize("parameters", [-1, 7])
def test_packed_size_refuses(parameters: int) -> None:
    with pytest.raises(LayoutError) as caught:
        packed_size(LP64_BE, parameters)
    assert str(caught.value) == f"arg_ptr of lp64-be: wanted 0 to 6 parameters, got {parameters}"


@pytest.mark.parametrize(
    ("length", "message"),
    [
        pytest.param(0, "flags at offset 0 of a packed ilp32-le atom: wanted 4", id="empty"),
        pytest.param(15, "next at offset 12 of a packed ilp32-le atom: wanted 16", id="next"),
        pytest.param(24, "arg_ptr[2] at offset 24 of a packed ilp32-le atom: wanted 28", id="null"),
    ],
)
def test_a_packed_atom_that_is_cut_off_too_early(length: int, message: str) -> None:
    data = encode_atom(ILP32_LE, SysletUatom(1, 2, 3, 4, 9, 9), packed=True)
    with pytest.raises(LayoutError) as caught:
        decode_atom(ILP32_LE, data[:length], packed=True)
    assert str(caught.value) == f"{message} bytes, got {length}"


def test_bytes_behind_a_packed_atom() -> None:
    data = encode_atom(FIXED64_LE, SysletUatom(1, 2, 3, 4, 9), packed=True)
    with pytest.raises(LayoutError) as caught:
        decode_atom(FIXED64_LE, data + b"\0", packed=True)
    assert str(caught.value) == (
        "trailing bytes at offset 40 of fixed64-le packed atom: wanted 40 bytes, got 41"
    )


# -- what does not fit -------------------------------------------------------------------


@EVERY_ABI
@pytest.mark.parametrize("index", range(11), ids=ATOM_FIELDS)
@pytest.mark.parametrize("excess", ["too_great", "negative", "no_number"])
def test_an_atom_s_number_that_does_not_fit(abi: Abi, index: int, excess: str) -> None:
    word, half, _, _ = SIZES[abi.name]
    size = half if index < 2 else word
    greatest = {4: 4294967295, 8: 18446744073709551615}[size]
    wrong = {"too_great": greatest + 1, "negative": -1, "no_number": "7"}[excess]
    numbers: list[int] = [0] * 11
    numbers[index] = wrong  # type: ignore[call-overload]
    with pytest.raises(LayoutError) as caught:
        encode_atom(abi, SysletUatom(*numbers))
    assert str(caught.value) == (
        f"{ATOM_FIELDS[index]} at offset {ATOM_OFFSETS[abi.name][index]} of {abi.name} atom: "
        f"wanted {size} bytes (0 to {greatest}), got {wrong!r}"
    )


@EVERY_ABI
@pytest.mark.parametrize("index", range(8), ids=HEAD_FIELDS)
def test_a_descriptor_s_number_that_does_not_fit(abi: Abi, index: int) -> None:
    size = SIZES[abi.name][0]
    greatest = {4: 4294967295, 8: 18446744073709551615}[size]
    numbers = [0] * 8
    numbers[index] = greatest + 1
    with pytest.raises(LayoutError) as caught:
        encode_head(abi, AsyncHeadUser(*numbers))
    assert str(caught.value) == (
        f"{HEAD_FIELDS[index]} at offset {HEAD_OFFSETS[abi.name][index]} of {abi.name} "
        f"async_head_user: wanted {size} bytes (0 to {greatest}), got {greatest + 1}"
    )


@pytest.mark.parametrize(
    ("length", "field"),
    [
        pytest.param(0, "flags at offset 0", id="empty"),
        pytest.param(7, "nr at offset 4", id="inside_nr"),
        pytest.param(8, "ret_ptr at offset 8", id="before_ret_ptr"),
        pytest.param(79, "private at offset 72", id="one_byte_short"),
    ],
)
def test_a_short_atom_names_the_first_field_that_is_not_whole(length: int, field: str) -> None:
    with pytest.raises(LayoutError) as caught:
        decode_atom(FIXED64_LE, bytes(length))
    assert str(caught.value) == f"{field} of fixed64-le atom: wanted 80 bytes, got {length}"


def test_bytes_behind_an_atom() -> None:
    with pytest.raises(LayoutError) as caught:
        decode_atom(ILP32_LE, bytes(45))
    assert str(caught.value) == (
        "trailing bytes at offset 44 of ilp32-le atom: wanted 44 bytes, got 45"
    )


def test_a_short_descriptor() -> None:
    with pytest.raises(LayoutError) as caught:
        decode_head(LP64_BE, bytes(63))
    assert str(caught.value) == (
        "new_thread_eip at offset 56 of lp64-be async_head_user: wanted 64 bytes, got 63"
    )


def test_bytes_behind_a_descriptor() -> None:
    with pytest.raises(LayoutError) as caught:
        decode_head(ILP32_LE, bytes(40))
    assert str(caught.value) == (
        "trailing bytes at offset 32 of ilp32-le async_head_user: wanted 32 bytes, got 40"
    )


# -- streams, descriptors, words ---------------------------------------------------------


@given(ANY_ABI, st.data())
def test_a_stream_of_atoms_is_its_atoms(abi: Abi, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 4))
    size = abi.atom_size
    stream = data.draw(st.binary(min_size=count * size, max_size=count * size))
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    atoms = list(iter_atoms(abi, stream))
    assert atoms == [decode_atom(abi, piece) for piece in pieces]
    assert all(type(atom) is SysletUatom for atom in atoms)
    assert [atom.next for atom in atoms] == [
        one.next for one in GreedyRange(abi.atom).parse(stream)
    ]


def test_a_stream_with_bytes_left_over_fails_at_once() -> None:
    with pytest.raises(LayoutError) as caught:
        iter_atoms(FIXED64_LE, bytes(2 * 80 + 3))
    assert str(caught.value) == (
        "stream of fixed64-le atoms: wanted a multiple of 80 bytes, got 163: 3 trail at offset 160"
    )


@given(abis_and_heads())
def test_descriptors_come_back_and_construct_agrees(drawn: tuple[Abi, AsyncHeadUser]) -> None:
    abi, head = drawn
    data = encode_head(abi, head)
    assert len(data) == abi.head_size
    assert decode_head(abi, data) == head
    parsed = abi.head.parse(data)
    assert AsyncHeadUser(*(parsed[name] for name in HEAD_FIELDS)) == head
    assert abi.head.build(parsed) == data


@given(abis_and_words())
def test_rings_come_back_and_construct_agrees(drawn: tuple[Abi, list[int]]) -> None:
    abi, slots = drawn
    data = encode_ring(abi, slots)
    assert len(data) == len(slots) * abi.word_bytes
    assert decode_ring(abi, data) == slots
    assert list(abi.ring.parse(data)) == slots
    assert abi.ring.build(slots) == data


@given(ANY_ABI, st.data())
def test_negative_words_are_twos_complement(abi: Abi, data: st.DataObject) -> None:
    value = data.draw(st.integers(abi.word_min, -1))
    (word,) = decode_words(abi, encode_words(abi, [value]))
    assert abi.signed(word) == value
    assert encode_words(abi, [value]) == value.to_bytes(abi.word_bytes, abi.byteorder, signed=True)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(4294967296, id="too_great"),
        pytest.param(-2147483649, id="too_small"),
    ],
)
def test_a_slot_that_does_not_fit(wrong: int) -> None:
    with pytest.raises(LayoutError) as caught:
        encode_ring(ILP32_LE, [0, 0, wrong])
    assert str(caught.value) == (
        f"slot[2] at offset 8 of ilp32-le: wanted 4 bytes (-2147483648 to 4294967295), got {wrong}"
    )


def test_a_word_that_does_not_fit_has_the_name_that_it_was_given() -> None:
    with pytest.raises(LayoutError) as caught:
        encode_words(FIXED64_LE, [0, 1 << 64], "counter")
    assert str(caught.value) == (
        "counter[1] at offset 8 of fixed64-le: wanted 8 bytes "
        "(-9223372036854775808 to 18446744073709551615), got 18446744073709551616"
    )


def test_a_ring_that_ends_inside_a_slot() -> None:
    with pytest.raises(LayoutError) as caught:
        decode_ring(LP64_BE, bytes(17))
    assert str(caught.value) == "slot at offset 16 of lp64-be: wanted a multiple of 8 bytes, got 17"
