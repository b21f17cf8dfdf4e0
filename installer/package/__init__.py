"""Build the packages that people install: a payload with its own Python, and what carries it to a computer."""
