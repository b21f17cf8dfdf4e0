"""Make the parts of a model cascade: its first model, its threshold, its examples."""
