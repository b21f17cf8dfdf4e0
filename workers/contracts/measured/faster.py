"""Define what counts as faster, for the worker that computes bounds and for the rules that read them."""

GAIN = 1.03
"""Minimum lower bound of a real speedup (docs/evaluation.md); less is noise between engines and processes."""
