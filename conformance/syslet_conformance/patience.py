"""How much longer than usual an engine may take: under an emulator, a sanitizer or a debugger.

One factor for the process and its workers: every limit of time is multiplied by it.
"""

from __future__ import annotations

_factor = 1.0


def be_patient(factor: float) -> None:
    """From now on; 1 is as usual."""
    global _factor
    _factor = factor


def patient_s(seconds: float) -> float:
    """A limit of time as it is to be kept to."""
    return seconds * _factor
