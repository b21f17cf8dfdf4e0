"""Compute what examples can prove, and in which order versions are tested."""
