"""Match the operators of two graphs."""

from workers.explain.matching.matching import match_graphs

__all__ = ["match_graphs"]
