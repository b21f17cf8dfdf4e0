"""Controller of the page "What changed, and why"."""
