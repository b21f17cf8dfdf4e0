"""What techniques that rewrite graphs share."""
