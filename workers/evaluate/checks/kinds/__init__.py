"""Collect the checks: one file for each check, found by scanning this package."""
