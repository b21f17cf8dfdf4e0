"""How results are read and judged, and where a version comes from."""
