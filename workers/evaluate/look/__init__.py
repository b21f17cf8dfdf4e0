"""Single examples with what the model makes of them, to be looked at."""
