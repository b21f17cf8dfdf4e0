"""Measure models under load."""
