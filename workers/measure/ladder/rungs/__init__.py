"""Contain one module for each group of GPU checks."""
