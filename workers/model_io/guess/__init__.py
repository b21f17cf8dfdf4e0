"""Guess the preparation and the results of a model where its file does not state them, and mark the guesses."""
