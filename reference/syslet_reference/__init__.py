"""The reference engine: the syslet specification in executable form.

Read in this order: `semantics` (what flags decide), `ring` (where events go), `kernel`
(what calls do), `machine` (memory and descriptors from outside), `engine` (the order of things).
"""

from syslet_reference.choices import Chooser, listed, seeded
from syslet_reference.engine import ReferenceEngine
from syslet_reference.numbers import NUMBERS
from syslet_reference.semantics import STOPS, stops, successor
from syslet_reference.trace import STEPS, Event, Trace

__all__ = [
    "NUMBERS",
    "STEPS",
    "STOPS",
    "Chooser",
    "Event",
    "ReferenceEngine",
    "Trace",
    "listed",
    "seeded",
    "stops",
    "successor",
]
