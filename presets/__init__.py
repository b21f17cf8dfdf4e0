"""Goals in plain language with their recipes, and the built-in sample. This package imports no runtime."""
