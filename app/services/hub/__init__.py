"""The model hub: search, download, keep, remove."""
