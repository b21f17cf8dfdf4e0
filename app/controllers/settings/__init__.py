"""Controllers of the page Settings."""
