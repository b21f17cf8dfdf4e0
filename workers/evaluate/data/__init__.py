"""Read data sets, match their labels with the model, split them, and store them prepared for the model."""
