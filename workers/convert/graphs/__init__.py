"""Provide the graph tools that rewriting techniques share."""
