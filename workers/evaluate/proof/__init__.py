"""Turn the predictions of two models into a verdict."""
