"""What counts as faster: one number for the worker that makes bounds and for the rules that read them."""

GAIN = 1.03
"""A real gain: the bound of the speedup is above this (EVALUATION.md). Less is noise between engines and processes."""
