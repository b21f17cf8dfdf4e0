"""Collect the scores: one file for each kind of task, found by scanning this package."""
