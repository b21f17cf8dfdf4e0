"""The command line (CLI.md is its contract): the same use cases as the window, without Qt."""
