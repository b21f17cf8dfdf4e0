"""Export targets: write, test, sign and verify bundles."""
