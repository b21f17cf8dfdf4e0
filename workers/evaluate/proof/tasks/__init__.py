"""Proof tasks: one file for each kind of result, found by scanning."""
