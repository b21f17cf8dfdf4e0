"""The steps of the set-up, one per module, with the standard library only."""
