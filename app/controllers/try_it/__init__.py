"""Controller of the page "Try it"."""
