"""Measure a run's versions under many simultaneous requests, and put the result into the card and into words."""
