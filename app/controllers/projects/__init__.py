"""Controller of the page Projects."""
