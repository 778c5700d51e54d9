"""Image files: a program assembled for an ABI, and the same program out of the bytes.

The front door to `placement` (sizes and offsets), `loading` (bytes at addresses),
`assembly` and `disassembly` (image files), and `raw_image` (memory without symbols).
"""

from __future__ import annotations

from syslet_conformance.assembly import assemble, default_bases
from syslet_conformance.disassembly import disassemble
from syslet_conformance.loading import Numbers, section_bytes
from syslet_conformance.placement import Layout, Placed, SectionLayout, lay_out
from syslet_conformance.raw_image import disassemble_raw

__all__ = [
    "Layout",
    "Numbers",
    "Placed",
    "SectionLayout",
    "assemble",
    "default_bases",
    "disassemble",
    "disassemble_raw",
    "lay_out",
    "section_bytes",
]
