"""What holds of any bytes: as a stream, and as what an image file or bare memory might be."""

from __future__ import annotations

import contextlib
from functools import cache

from syslet_conformance.backends import EmbeddedEngine
from syslet_conformance.container import MAGIC, VERSION
from syslet_conformance.fuzz.arena import ARENA_BYTES, Arena
from syslet_conformance.fuzz.ground import asked
from syslet_conformance.fuzz.harmless import Unjudged
from syslet_conformance.fuzz.oracle import Oracle
from syslet_conformance.fuzz.stream import MOST_STREAM_BYTES, Stream, image, of_bytes, to_bytes
from syslet_conformance.image import disassemble, disassemble_raw
from syslet_conformance.text import format_program, parse
from syslet_layouts import ABIS, Abi, SysletError

BASE = 0x1000_0000
FDS = (3, 4, 5, 6)
IMAGE_START = MAGIC + VERSION.to_bytes(2, "big")


def check(data: bytes) -> None:
    """Look at the bytes in each way. AssertionError, or what should not have been raised."""
    stream = of_bytes(data)
    check_bytes(data, stream)
    for abi in ABIS.values():
        arena, oracle = _side(abi)
        assert len(image(stream, arena, FDS)) == ARENA_BYTES
        with contextlib.suppress(Unjudged):
            oracle.expected(stream, FDS)
    check_image_file(data)
    check_image_file(IMAGE_START + data)
    abi = list(ABIS.values())[len(data) % len(ABIS)]
    check_memory(abi, data)


def check_bytes(data: bytes, stream: Stream) -> None:
    """The stream's own bytes are no longer than a stream's can be, and lead back to it."""
    canonical = to_bytes(stream)
    assert len(canonical) <= MOST_STREAM_BYTES
    assert of_bytes(canonical) == stream
    assert of_bytes(data + bytes(MOST_STREAM_BYTES)) == stream


def check_image_file(data: bytes) -> None:
    """An image file is a program, whose text is one too, or a SysletError."""
    with contextlib.suppress(SysletError):
        program = disassemble(data)
        assert parse(format_program(program)) == program


def check_memory(abi: Abi, data: bytes) -> None:
    """Bare memory likewise."""
    with contextlib.suppress(SysletError):
        program = disassemble_raw(abi, data, BASE, BASE)
        assert parse(format_program(program)) == program


@cache
def _side(abi: Abi) -> tuple[Arena, Oracle]:
    """The reference on an ABI, beside an engine that is the reference."""
    engine = EmbeddedEngine(abi)
    try:
        ground = asked(engine)
    finally:
        engine.close()
    arena = Arena(abi, BASE, ground.numbers)
    return arena, Oracle(arena, ground)
