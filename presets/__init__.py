"""Plain-language goals and the recipes behind them, and the built-in sample. No runtime is imported here."""
