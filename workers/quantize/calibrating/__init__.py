"""What techniques with fewer bits learn from examples: ranges, sensitivity, biases, similarity."""
