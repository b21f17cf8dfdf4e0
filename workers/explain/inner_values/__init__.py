"""Compute inner values of models in parts that fit into memory; one module for each engine."""
