"""Keep the versions of an installed program side by side, with the standard library only."""
