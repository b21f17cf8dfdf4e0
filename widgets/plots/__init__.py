"""Live graphs: numpy holds the data, and pyqtgraph draws them after the window's first paint."""
