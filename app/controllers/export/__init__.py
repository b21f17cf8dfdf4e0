"""Controller of the page Export."""
