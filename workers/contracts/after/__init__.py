"""What is asked of a finished version: load, stress, layers, questions, bundles."""
