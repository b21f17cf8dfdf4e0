"""Controller of the page Releases."""
