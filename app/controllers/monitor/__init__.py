"""The page Monitor: a bundle's log, read in a worker."""
