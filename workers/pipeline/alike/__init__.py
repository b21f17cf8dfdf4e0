"""Rules of the proof for when two predictions for one input count as equal; bundles check themselves by them, too."""
