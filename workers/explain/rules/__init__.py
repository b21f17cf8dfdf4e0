"""Rules that explain a difference in speed: one file for each, found by scanning this package."""
