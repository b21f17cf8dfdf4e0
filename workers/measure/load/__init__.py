"""A model under load."""
