"""Controller of the page Data."""
