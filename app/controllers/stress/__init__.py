"""Controller of the page "Under stress"."""
