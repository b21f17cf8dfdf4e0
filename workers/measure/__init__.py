"""Measure latency, throughput, memory, energy and cold starts of models on this computer."""
