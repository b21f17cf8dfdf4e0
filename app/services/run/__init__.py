"""One optimization from its plan to its recommendation."""
