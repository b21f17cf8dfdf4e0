"""When two predictions for one input count as alike: the rules of the proof, which bundles check themselves by, too."""
