"""The read-only table and its parts."""
