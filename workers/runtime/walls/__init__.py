"""The walls around a worker."""
