"""Formats of models: told by their content, read without running what they hold."""
