"""Learn how weights and inner values are rounded to 8 bits."""
