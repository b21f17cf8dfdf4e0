"""Many requests at once, after a run: the measurement, its card and its words."""
