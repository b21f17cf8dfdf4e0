"""Controller of the page Goal."""
