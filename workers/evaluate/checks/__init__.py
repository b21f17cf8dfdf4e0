"""Check data sets for problems: unreadable items, duplicates, leakage, wrong labels, drift and others."""
