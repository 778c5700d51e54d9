"""What cffi makes of the header: a library, and the means to call it."""

from typing import Any

ffi: Any
lib: Any
