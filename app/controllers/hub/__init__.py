"""Controllers of the page Hub."""
