"""A C compiler confirms every size and offset of the layouts, for the structs as C has them.

The assertions are generated from the table of ABIs; the structs are written out below.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from syslet_layouts import (
    ABIS,
    Abi,
    AsyncHeadUser,
    FieldPlace,
    SysletUatom,
    encode_atom,
    encode_head,
    encode_ring,
)

COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)

needs_compiler = pytest.mark.skipif(
    COMPILER is None, reason="no C compiler: cc, gcc or clang is not on PATH"
)

WORD_STRUCTS = """
struct syslet_uatom {
	unsigned long		flags;
	unsigned long		nr;
	long			*ret_ptr;
	struct syslet_uatom	*next;
	unsigned long		*arg_ptr[6];
	void			*private;
};

struct async_head_user {
	unsigned long		kernel_ring_idx;
	unsigned long		user_ring_idx;
	struct syslet_uatom	**completion_ring;
	unsigned long		ring_size_bytes;
	unsigned long		head_stack;
	unsigned long		head_eip;
	unsigned long		new_thread_stack;
	unsigned long		new_thread_eip;
};

typedef struct syslet_uatom *ring_slot;
"""

FIXED_STRUCTS = """
#include <stdint.h>

struct syslet_uatom {
	uint32_t	flags;
	uint32_t	nr;
	uint64_t	ret_ptr;
	uint64_t	next;
	uint64_t	arg_ptr[6];
	uint64_t	private;
};

struct async_head_user {
	uint64_t	kernel_ring_idx;
	uint64_t	user_ring_idx;
	uint64_t	completion_ring;
	uint64_t	ring_size_bytes;
	uint64_t	head_stack;
	uint64_t	head_eip;
	uint64_t	new_thread_stack;
	uint64_t	new_thread_eip;
};

typedef uint64_t ring_slot;
"""


@dataclass(frozen=True, slots=True)
class Target:
    """How C sees an ABI: the structs, and the options that choose the machine."""

    structs: str
    options: tuple[str, ...]


_M32 = Target(WORD_STRUCTS, ("-m32", "-ffreestanding"))
_M64 = Target(WORD_STRUCTS, ("-m64", "-ffreestanding"))

TARGETS = {
    # The other byte order has the same offsets, and its layout is judged by them alone.
    "ilp32-le": (_M32,),
    "ilp32-be": (_M32,),
    "lp64-le": (_M64,),
    "lp64-be": (_M64,),
    "fixed64-le": (
        Target(FIXED_STRUCTS, ("-m32", "-ffreestanding")),
        Target(FIXED_STRUCTS, ("-m64", "-ffreestanding")),
    ),
}

CASES = [
    pytest.param(ABIS[name], target, id=f"{name}{target.options[0]}")
    for name, targets in TARGETS.items()
    for target in targets
]
every_target = pytest.mark.parametrize(("abi", "target"), CASES)


def _assertions(abi: Abi) -> Iterator[str]:
    yield _assertion("sizeof(struct syslet_uatom)", abi.atom_size)
    yield _assertion("sizeof(struct async_head_user)", abi.head_size)
    yield _assertion("sizeof(ring_slot)", abi.word_bytes)
    yield from _places("struct syslet_uatom", abi.atom_places)
    yield from _places("struct async_head_user", abi.head_places)


def _places(type_name: str, places: tuple[FieldPlace, ...]) -> Iterator[str]:
    for place in places:
        yield _assertion(f"__builtin_offsetof({type_name}, {place.name})", place.offset)
        yield _assertion(f"sizeof((({type_name} *)0)->{place.name})", place.size_bytes)


def _assertion(expression: str, number: int) -> str:
    return f'_Static_assert({expression} == {number}, "{expression}");'


def _compile(target: Target, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    assert COMPILER is not None
    return subprocess.run(
        [COMPILER, "-std=gnu11", "-Wall", "-Werror", *target.options, *options, "-x", "c", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )


@pytest.fixture
def compiles_for(target: Target) -> Target:
    """The target, where this compiler can make code for that machine at all."""
    made = _compile(target, "#include <stdint.h>\nint nothing;\n", "-fsyntax-only")
    if made.returncode:
        pytest.skip(f"{COMPILER} takes no {' '.join(target.options)}: {made.stderr.strip()}")
    return target


def test_every_abi_is_shown_to_the_compiler() -> None:
    assert set(TARGETS) == set(ABIS)


def test_every_number_of_an_abi_is_asserted() -> None:
    # 3 sizes, then offset and size of 11 fields of the atom and of 8 of the descriptor.
    assert {len(list(_assertions(abi))) for abi in ABIS.values()} == {3 + 2 * 11 + 2 * 8}


@needs_compiler
@every_target
def test_c_has_the_sizes_and_offsets_of_the_layouts(abi: Abi, compiles_for: Target) -> None:
    source = compiles_for.structs + "\n".join(_assertions(abi)) + "\n"
    made = _compile(compiles_for, source, "-fsyntax-only")
    assert made.returncode == 0, made.stderr


@needs_compiler
@every_target
def test_each_wrong_number_is_refused_by_name(abi: Abi, compiles_for: Target) -> None:
    right = list(_assertions(abi))
    wrong = [line.replace(" == ", " == 1 + ") for line in right]
    made = _compile(compiles_for, compiles_for.structs + "\n".join(wrong) + "\n", "-fsyntax-only")
    assert made.returncode != 0
    refused = [line for line in made.stderr.splitlines() if "error:" in line]
    assert len(refused) == len(right)
    for line in right:
        expression = line.split('"')[1]
        assert any(expression in message for message in refused), expression


@needs_compiler
@every_target
def test_one_wrong_number_among_the_right_ones_is_refused(abi: Abi, compiles_for: Target) -> None:
    lines = list(_assertions(abi))
    lines[-1] = lines[-1].replace(" == ", " == 1 + ")
    made = _compile(compiles_for, compiles_for.structs + "\n".join(lines) + "\n", "-fsyntax-only")
    assert made.returncode != 0
    assert made.stderr.count("error:") == 1


# -- bytes that a C program writes -------------------------------------------------------

ATOM = SysletUatom(0x81, 0x1234, 0x20, 0x30, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50)
HEAD = AsyncHeadUser(1, 2, 0x30, 4, 0x50, 0x60, 0x70, 0x80)
SLOTS = [0, 0x99, 0]

PROGRAM = """
#include <stdio.h>

int main(void)
{
	struct syslet_uatom atom = {
		.flags = %(flags)d, .nr = %(nr)d, .ret_ptr = (void *)%(ret_ptr)dL,
		.next = (void *)%(next)dL,
		.arg_ptr = { %(arg_ptr)s },
		.private = (void *)%(private)dL,
	};
	struct async_head_user head = {
		.kernel_ring_idx = %(kernel_ring_idx)d, .user_ring_idx = %(user_ring_idx)d,
		.completion_ring = (void *)%(completion_ring)dL,
		.ring_size_bytes = %(ring_size_bytes)d, .head_stack = %(head_stack)d,
		.head_eip = %(head_eip)d, .new_thread_stack = %(new_thread_stack)d,
		.new_thread_eip = %(new_thread_eip)d,
	};
	ring_slot ring[3] = { 0, (void *)%(slot)dL, 0 };

	fwrite(&atom, sizeof(atom), 1, stdout);
	fwrite(&head, sizeof(head), 1, stdout);
	fwrite(ring, sizeof(ring), 1, stdout);
	return 0;
}
"""


@needs_compiler
def test_a_c_program_of_this_machine_writes_the_bytes_that_we_encode(tmp_path: Path) -> None:
    order = {"little": "le", "big": "be"}[sys.byteorder]
    abi = ABIS[f"lp64-{order}" if sys.maxsize > 1 << 32 else f"ilp32-{order}"]
    arguments = ", ".join(f"(void *){pointer}L" for pointer in ATOM.arg_ptr)
    numbers = {**ATOM._asdict(), **HEAD._asdict(), "arg_ptr": arguments, "slot": SLOTS[1]}
    program = tmp_path / "writes"
    made = _compile(Target("", ()), WORD_STRUCTS + PROGRAM % numbers, "-o", str(program))
    assert made.returncode == 0, made.stderr
    written = subprocess.run([program], capture_output=True, check=True).stdout
    assert written == encode_atom(abi, ATOM) + encode_head(abi, HEAD) + encode_ring(abi, SLOTS)
