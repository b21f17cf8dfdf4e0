"""Measure models on graphics cards: durations of a request's parts, throughput and energy."""
