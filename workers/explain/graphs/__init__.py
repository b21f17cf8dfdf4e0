"""Readers of graphs, one module for each format, all giving a `ModelGraph`."""
