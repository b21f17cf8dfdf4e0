"""Collect the usual differences between two models: one file for each, found by scanning this package."""
