"""The suite: one file for each area of the requirements. Tests speak to an engine through
the contract alone, with the fixture `rig` (one engine, one ABI) and, where a program runs
to its end, `mode` (cached permitted, forced asynchronous)."""
