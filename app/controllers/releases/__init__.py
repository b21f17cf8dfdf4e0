"""Between the page and the use cases."""
