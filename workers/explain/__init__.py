"""Find out what changed between two models, where it shows and why one is faster, slower or different."""
