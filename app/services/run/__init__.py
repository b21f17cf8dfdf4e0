"""Run one optimization, from its plan to its recommendation."""
