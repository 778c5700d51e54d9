"""The images of ``fixtures/images``, both ways: bytes to the values, and values to the bytes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from syslet_layouts import (
    ABIS,
    Abi,
    AsyncHeadUser,
    Flag,
    SysletUatom,
    decode_atom,
    decode_head,
    decode_ring,
    encode_atom,
    encode_head,
    encode_ring,
    iter_atoms,
)

IMAGES = Path(__file__).parent.parent / "fixtures" / "images"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads(
    (IMAGES / "expected.toml").read_text(encoding="utf-8")
)

KINDS = ("atom-full", "atom-packed-0", "atom-packed-2", "atom-packed-5", "head", "ring", "flags")

every_abi = pytest.mark.parametrize("abi", ABIS.values(), ids=ABIS)


def image(abi: Abi, kind: str) -> bytes:
    """The bytes of an image: hexadecimal numbers, with comments from # to the line's end."""
    lines = (IMAGES / abi.name / f"{kind}.hex").read_text(encoding="utf-8").splitlines()
    return bytes.fromhex(" ".join(line.partition("#")[0] for line in lines))


def expected(abi: Abi, kind: str) -> dict[str, Any]:
    """The values of an image, fields by name; a number may be written as a string."""
    column = EXPECTED["columns"][abi.name]
    return {name: _number(value) for name, value in EXPECTED[column][kind].items()}


def expected_atom(abi: Abi, kind: str) -> SysletUatom:
    fields = expected(abi, kind)
    pointers = fields.pop("arg_ptr")
    for index, pointer in enumerate(pointers):
        fields[f"arg_ptr{index}"] = pointer
    return SysletUatom(**fields)


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(one) for one in value]
    return int(value, 16) if isinstance(value, str) else value


# -- the fixtures are all there ----------------------------------------------------------


def test_each_abi_has_each_kind_of_image_and_nothing_else() -> None:
    found = sorted(path.relative_to(IMAGES).as_posix() for path in IMAGES.rglob("*.hex"))
    assert found == sorted(f"{name}/{kind}.hex" for name in ABIS for kind in KINDS)
    assert len(found) == 35


def test_every_image_has_values_and_every_value_an_image() -> None:
    columns = EXPECTED["columns"]
    assert set(columns) == set(ABIS)
    assert set(EXPECTED) == {"columns", *columns.values()}
    assert all(tuple(EXPECTED[column]) == KINDS for column in columns.values())


@every_abi
def test_packed_images_have_the_parameters_that_they_are_named_after(abi: Abi) -> None:
    counts = [expected_atom(abi, kind).parameters for kind in KINDS[:4]]
    assert counts == [6, 0, 2, 5]


@every_abi
def test_a_full_image_has_eleven_numbers_that_differ(abi: Abi) -> None:
    atom = expected_atom(abi, "atom-full")
    assert len(set(atom)) == 11
    assert 0 not in atom


# -- both directions ---------------------------------------------------------------------


@every_abi
def test_full_atom(abi: Abi) -> None:
    data, atom = image(abi, "atom-full"), expected_atom(abi, "atom-full")
    assert decode_atom(abi, data) == atom
    assert decode_atom(abi, data, packed=True) == atom
    assert encode_atom(abi, atom) == data
    assert encode_atom(abi, atom, packed=True) == data
    assert list(iter_atoms(abi, data * 3)) == [atom] * 3


@every_abi
@pytest.mark.parametrize("kind", KINDS[1:4])
def test_packed_atom(abi: Abi, kind: str) -> None:
    data, atom = image(abi, kind), expected_atom(abi, kind)
    assert decode_atom(abi, data, packed=True) == atom
    assert encode_atom(abi, atom, packed=True) == data
    assert decode_atom(abi, data.ljust(abi.atom_size, b"\0")) == atom


@every_abi
def test_descriptor(abi: Abi) -> None:
    data, head = image(abi, "head"), AsyncHeadUser(**expected(abi, "head"))
    assert decode_head(abi, data) == head
    assert encode_head(abi, head) == data


@every_abi
def test_ring_of_three_slots_with_one_taken(abi: Abi) -> None:
    data, slots = image(abi, "ring"), expected(abi, "ring")["slots"]
    assert [slot != 0 for slot in slots] == [False, True, False]
    assert decode_ring(abi, data) == slots
    assert encode_ring(abi, slots) == data


@every_abi
def test_flags_field_with_every_flag(abi: Abi) -> None:
    data, flags = image(abi, "flags"), expected(abi, "flags")["flags"]
    parsed = abi.flags.parse(data)
    assert all(parsed[name] for name in Flag.__members__)
    assert abi.flags.build(dict.fromkeys(Flag.__members__, True)) == data
    assert encode_atom(abi, SysletUatom(flags=flags))[: len(data)] == data
