"""Look for backdoors that only the optimized version has, and for tampered calibration sets."""
