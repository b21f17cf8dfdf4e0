"""Weights in fewer bits than they came in: how they are kept, rounded and told."""
