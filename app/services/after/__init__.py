"""Act on a finished run: prove, watch, compare, stress, load, layers, try, export."""
