"""How a model cascade is made: its first model, its threshold, its examples."""
