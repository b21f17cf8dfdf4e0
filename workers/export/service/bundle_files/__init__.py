"""Files that are copied into service bundles."""
