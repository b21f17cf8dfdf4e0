"""Models that come as something runs them: they are judged as they are, and not optimized."""
