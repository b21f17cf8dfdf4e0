"""Detect model formats by their content and read them without running what they contain."""
