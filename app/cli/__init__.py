"""Provide the command line (docs/command-line.md): the use cases of the window, without Qt."""
