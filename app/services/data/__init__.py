"""Read, inspect, check and feed examples before a run."""
