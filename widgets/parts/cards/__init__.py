"""Cards for an empty page, an error, or the sources of a figure."""
