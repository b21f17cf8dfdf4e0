"""Inputs that Fettle makes where a person has none."""
