"""Define the program's version, which pyproject.toml reads."""

VERSION = "0.2.0"

UPDATE_SERVER, UPDATE_KEY = "", ""
"""Address of the folder with the index of updates, and the public key of its signature in hex; "" for none.

Who publishes a build with updates sets both (`installer/versions/publish.py`).
"""
