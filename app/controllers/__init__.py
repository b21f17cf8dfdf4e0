"""Controllers of the window: they turn widget signals into flows and stored facts into widget values."""
