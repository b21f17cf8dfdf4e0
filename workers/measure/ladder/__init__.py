"""Check step by step whether a GPU works, from the device files to a product in each runtime."""
