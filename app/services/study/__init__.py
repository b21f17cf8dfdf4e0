"""Optimize many models of a folder and make one table of them."""
