"""Evaluate versions: data sets, data checks, scores, stress tests and the proof that predictions stay the same."""
