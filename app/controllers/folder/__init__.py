"""Controller of the page "Answer a folder"."""
