"""Live graphs: data kept in numpy, drawn by pyqtgraph once the window stands."""
