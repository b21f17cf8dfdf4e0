"""Open models from elsewhere, to evaluate them beside an original with the same inputs."""
