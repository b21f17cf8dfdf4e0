"""Scripts that are copied into bundles."""
