"""Learn ranges, sensitivities and biases from calibration examples, and measure similarity on them."""
