"""Collect the readers: one file for each format of data, found by scanning this package."""
