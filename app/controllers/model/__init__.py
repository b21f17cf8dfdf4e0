"""Controller of the page Model."""
