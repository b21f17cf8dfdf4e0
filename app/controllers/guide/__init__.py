"""Controller of the page Guide."""
