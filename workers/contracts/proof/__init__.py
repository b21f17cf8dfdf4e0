"""Contracts about reading and judging results, and about the origin of versions."""
