"""The steps of the set-up, one a module. Standard library only."""
