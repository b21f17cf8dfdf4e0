"""Releases of a project: its bundles by number, what changed, which one is current, the way back."""
