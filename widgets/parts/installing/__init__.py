"""Offers to install optional sets of packages, as pages show them."""
