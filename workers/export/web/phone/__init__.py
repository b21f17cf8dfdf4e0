"""Serve the page of a bundle to one phone, which measures the model and sends times and predictions back."""
