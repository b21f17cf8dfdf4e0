"""Attack both versions within a stated budget."""
