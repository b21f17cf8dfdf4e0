"""Contracts of jobs on a finished version: load, stress, layers, requests, bundles."""
