"""Pictures of what a failed test did: pure functions from its evidence to ``<svg>`` elements."""

from __future__ import annotations

from syslet_conformance.picture_graph import graph
from syslet_conformance.picture_timeline import timeline

__all__ = ["graph", "timeline"]
