"""Write a temporary file at import, as PyTorch for CUDA does when it looks for a library of the system."""

import tempfile

with tempfile.NamedTemporaryFile() as file:
    FOLDER = file.name
