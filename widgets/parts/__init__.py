"""Small widgets that all pages are built from."""
