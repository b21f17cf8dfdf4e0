"""Models that were made elsewhere and are judged beside an original: opened, matched, fed like it."""
