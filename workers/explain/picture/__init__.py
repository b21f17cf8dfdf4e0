"""The picture of two graphs as one: merged, folded and laid out in levels of detail."""
