"""A virtual, sparse memory of pages; what is not mapped faults."""

from __future__ import annotations

import struct

from syslet_layouts import Abi, SysletError

PAGE_BITS = 12
PAGE_BYTES = 1 << PAGE_BITS
LIMIT_BYTES = 1 << 30
"""Most that may be mapped at once."""

_FIRST_PAGE = {4: 0x8000_0000 >> PAGE_BITS, 8: 0x7FFF_0000_0000 >> PAGE_BITS}
"""Where mappings start, by word: where a signed 32-bit address would go wrong."""

_END_PAGE = {4: 0xFF00_0000 >> PAGE_BITS, 8: 0x7FFF_FFFF_0000_0000 >> PAGE_BITS}


class PageFault(Exception):  # noqa: N818 - the machine's word for it
    """A touch of memory that is not mapped, at `address`."""

    def __init__(self, address: int) -> None:
        super().__init__(f"page fault at {address:#x}")
        self.address = address


class Memory:
    """Pages of one address space.

    `pages` gives for each mapped page the base of its mapping and the mapping's bytes. A
    mapping is always followed by an unmapped page, so nothing spans two of them.
    """

    def __init__(self, abi: Abi) -> None:
        self.pages: dict[int, tuple[int, bytearray]] = {}
        self._mask, self._max = abi.word_mask, abi.word_max
        self._unpack, self._pack = abi.word_struct.unpack_from, abi.word_struct.pack_into
        self._next_page = _FIRST_PAGE[abi.word_bytes]
        self._end_page = _END_PAGE[abi.word_bytes]
        self._mapped: dict[int, int] = {}
        self._free: dict[int, list[int]] = {}
        self._total = 0

    def map(self, size_bytes: int) -> int:
        """Map zeroed memory whose last byte is the last of a page; return its address.

        SysletError where the size is none, or too much.
        """
        if size_bytes < 1:
            raise SysletError(f"map of {size_bytes} bytes: wanted 1 or more")
        count = -(-size_bytes // PAGE_BYTES)
        if self._total + count * PAGE_BYTES > LIMIT_BYTES:
            raise SysletError(
                f"map of {size_bytes} bytes: wanted at most {LIMIT_BYTES - self._total} more "
                f"(limit {LIMIT_BYTES})"
            )
        free = self._free.get(count)
        if free:
            first = free.pop()
        else:
            first = self._next_page
            if first + count >= self._end_page:
                raise SysletError(f"map of {size_bytes} bytes: the address space is used up")
            self._next_page += count + 1
        base = first << PAGE_BITS
        mapping = (base, bytearray(count * PAGE_BYTES))
        for page in range(first, first + count):
            self.pages[page] = mapping
        address = base + count * PAGE_BYTES - size_bytes
        self._mapped[address] = count
        self._total += count * PAGE_BYTES
        return address

    def map_at(self, address: int, size_bytes: int) -> memoryview:
        """Map zeroed memory where another engine has some, from its page's start on; a view of it.

        It is mapped for good, and may not lie where `map` maps. SysletError where it does.
        """
        base = address >> PAGE_BITS << PAGE_BITS
        mapping = (base, bytearray(address + size_bytes - base))
        pages = range(address >> PAGE_BITS, (address + size_bytes - 1 >> PAGE_BITS) + 1)
        if any(page in self.pages for page in pages):
            raise SysletError(
                f"map of {size_bytes} bytes at {address:#x}: something is mapped there"
            )
        for page in pages:
            self.pages[page] = mapping
        return memoryview(mapping[1])[address - base :]

    def unmap(self, address: int) -> None:
        """Unmap what `map` returned. SysletError where it did not return that."""
        count = self._mapped.pop(address, 0)
        if not count:
            raise SysletError(f"unmap of {address:#x}: nothing was mapped there")
        first = address >> PAGE_BITS
        for page in range(first, first + count):
            del self.pages[page]
        self._free.setdefault(count, []).append(first)
        self._total -= count * PAGE_BYTES

    def is_mapped(self, address: int, count: int) -> bool:
        """Whether `count` bytes from `address` on can be read and written."""
        if count == 0:
            return True
        mapping = self.pages.get(address >> PAGE_BITS)
        return mapping is not None and address - mapping[0] + count <= len(mapping[1])

    def read(self, address: int, count: int) -> bytes:
        """`count` bytes from `address` on. PageFault where one is not mapped."""
        if not self.is_mapped(address, count):
            raise PageFault(address)
        if not count:
            return b""
        base, data = self.pages[address >> PAGE_BITS]
        return bytes(data[address - base : address - base + count])

    def write(self, address: int, data: bytes) -> None:
        """Write all of `data`, or nothing and PageFault."""
        if not self.is_mapped(address, len(data)):
            raise PageFault(address)
        if data:
            base, target = self.pages[address >> PAGE_BITS]
            target[address - base : address - base + len(data)] = data

    def word(self, address: int) -> int:
        """The unsigned word at `address`, which may be odd. PageFault."""
        try:
            base, data = self.pages[address >> PAGE_BITS]
            word: int = self._unpack(data, address - base)[0]
        except (KeyError, struct.error):
            raise PageFault(address) from None
        return word

    def set_word(self, address: int, value: int) -> None:
        """Store `value`, modulo the word, at `address`, which may be odd. PageFault."""
        try:
            base, data = self.pages[address >> PAGE_BITS]
            self._pack(data, address - base, value & self._mask)
        except (KeyError, struct.error):
            raise PageFault(address) from None

    def add(self, address: int, inc: int) -> int:
        """Add to the word at `address`, modulo the word; its new signed value. PageFault."""
        try:
            base, data = self.pages[address >> PAGE_BITS]
            offset = address - base
            word: int = self._unpack(data, offset)[0] + inc & self._mask
            self._pack(data, offset, word)
        except (KeyError, struct.error):
            raise PageFault(address) from None
        return word if word <= self._max else word - self._mask - 1
