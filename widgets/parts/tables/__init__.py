"""The table for reading."""
