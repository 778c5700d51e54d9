"""Layouts of the syslet ABI: atom, descriptor, ring and flags, on every ABI.

The construct definitions (`definition`) are the one source of sizes and offsets; the table
of ABIs (`abi`) derives the fast paths from them; `values` turns bytes into values and back.
"""

from syslet_layouts.abi import ABIS, Abi, FieldPlace, abi_named
from syslet_layouts.definition import ARGUMENTS
from syslet_layouts.errors import LayoutError, SysletError
from syslet_layouts.flags import STOP_FLAGS, Flag
from syslet_layouts.values import (
    AsyncHeadUser,
    SysletUatom,
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

__all__ = [
    "ABIS",
    "ARGUMENTS",
    "STOP_FLAGS",
    "Abi",
    "AsyncHeadUser",
    "FieldPlace",
    "Flag",
    "LayoutError",
    "SysletError",
    "SysletUatom",
    "abi_named",
    "decode_atom",
    "decode_head",
    "decode_ring",
    "decode_words",
    "encode_atom",
    "encode_head",
    "encode_ring",
    "encode_words",
    "iter_atoms",
    "packed_size",
]
