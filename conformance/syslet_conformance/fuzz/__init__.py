"""Fuzzing: streams of atoms, an oracle for them, and what is done with what they find."""
