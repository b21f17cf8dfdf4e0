"""Compare predictions with labels and with each other: texts, masks and boxes."""
