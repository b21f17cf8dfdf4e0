"""Parameters and results of jobs about examples."""
