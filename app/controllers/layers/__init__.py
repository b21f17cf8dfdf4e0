"""Controller of the page Layers."""
