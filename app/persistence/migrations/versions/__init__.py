"""Hold one script for each change of the tables, oldest first."""
