"""Sentences about measured facts."""
