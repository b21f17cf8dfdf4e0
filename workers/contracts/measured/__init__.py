"""What was measured, and on which machine."""
