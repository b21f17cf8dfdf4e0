"""What the command line tells of graphics cards."""
