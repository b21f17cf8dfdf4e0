"""Surfaces, and what stands on them where a page has nothing, an error, or a source to tell."""
