"""Contracts about measurements and the computer they were made on."""
