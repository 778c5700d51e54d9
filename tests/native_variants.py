"""The native engine without some of its means, as ``python:`` backends."""

from __future__ import annotations

from typing import ClassVar

from syslet_conformance.contract import Description
from syslet_layouts import Abi
from syslet_native.engine import ABI_NAME, NativeEngine


class _Variant(NativeEngine):
    abis = (ABI_NAME,)
    without: ClassVar[tuple[str, ...]] = ()
    cached_return = "first"

    def __init__(self, abi: Abi) -> None:
        super().__init__(abi, without=self.without, cached_return=self.cached_return)

    def describe(self) -> Description:
        """As the backend describes it."""
        return Description("native", "variant", build=" ".join(self.means()))


class WithoutUring(_Variant):
    """As where io_uring is missing."""

    without = ("io_uring",)


class WithoutNowait(_Variant):
    """As on a kernel whose reads know no RWF_NOWAIT."""

    without = ("nowait",)


class WithoutPerf(_Variant):
    """As where perf events may not be used."""

    without = ("perf",)


class WithoutAio(_Variant):
    """As where Linux AIO is missing."""

    without = ("aio",)


class WithoutAny(_Variant):
    """With none: workers make every call that may block."""

    without = ("io_uring", "nowait", "perf", "aio")


class ReturnsFinal(_Variant):
    """It returns the final atom of a cached chain."""

    cached_return = "final"
