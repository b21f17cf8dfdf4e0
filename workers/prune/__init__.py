"""Remove or zero weights of a model and let the rest learn from the original."""
