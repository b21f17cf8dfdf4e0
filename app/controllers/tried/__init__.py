"""Controller of the page "What was tried"."""
