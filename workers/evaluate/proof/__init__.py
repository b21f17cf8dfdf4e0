"""From two models' predictions to a verdict."""
