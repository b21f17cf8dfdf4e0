"""Collect the kinds of stress, one module for each kind of input."""
