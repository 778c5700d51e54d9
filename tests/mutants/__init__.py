"""Engines that break one requirement each, an area a file.

``CAUGHT`` in each file names, for each of its engines, the requirements whose tests must
catch it; `test_mutants` runs them, and fails where a MUST has none.
"""
