"""Controller of the page Jobs."""
