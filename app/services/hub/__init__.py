"""Search, download, keep and remove models of the hub."""
