"""Generate inputs for models without a person's data."""
