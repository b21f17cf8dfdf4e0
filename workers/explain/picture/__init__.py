"""The picture of two graphs as one: merged, folded and laid out in levels of detail."""

from workers.explain.picture.levels import levels_of

__all__ = ["levels_of"]
