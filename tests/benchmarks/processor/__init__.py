"""Run a command as on an older processor."""
