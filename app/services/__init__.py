"""Provide the use cases. They are free of Qt, shared by window and command line, and alone write the database."""
