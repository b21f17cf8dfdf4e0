"""Qt widgets of the window: pages, plots and shared parts. They know no services and no database."""
