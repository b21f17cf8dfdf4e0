"""Find out which devices, runtimes and optional packages this computer has, and check requests for them."""
