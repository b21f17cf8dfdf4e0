"""Change a model's graph or settings without fewer bits: cleanups, fixed sizes, other engines, cascades."""
