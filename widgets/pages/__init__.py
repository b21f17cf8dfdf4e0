"""Pages of the window, one package each; a page shows values and emits signals."""
