"""Collect the proof tasks: one file for each kind of result, found by scanning this package."""
