"""Controller of the page Compare."""
