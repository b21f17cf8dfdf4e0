"""Contracts of jobs about examples."""
