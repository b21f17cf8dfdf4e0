"""Define the program's version, which pyproject.toml reads."""

VERSION = "0.2.0"
