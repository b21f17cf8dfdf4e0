"""Question dialogs of the window."""
