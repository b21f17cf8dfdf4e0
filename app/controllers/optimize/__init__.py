"""Controller of the page Optimize."""
