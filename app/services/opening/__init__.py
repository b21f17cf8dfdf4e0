"""A model from a path to something that can be worked with, now and again later."""
