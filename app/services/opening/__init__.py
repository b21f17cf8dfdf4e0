"""Open a model from a path so that it can be used, now and again later."""
