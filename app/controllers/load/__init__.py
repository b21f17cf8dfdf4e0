"""Controller of the page "Under load"."""
