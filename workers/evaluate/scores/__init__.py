"""Score both models with the usual metrics of their task."""
