"""Controller of the page "All answers"."""
