"""Prepare single examples with the models' predictions for display."""
