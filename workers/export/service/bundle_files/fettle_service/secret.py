"""Secret of a running service without an API key: a program that can read it may load another bundle.

The service writes the secret at its start to a file that only this account can read, and removes it when it stops.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from .places import trusted_folder

FOLDER = Path(".local", "state", "fettle-service")
"""Folder below the home folder.

It does not depend on variables that may differ between the service and ``serve.py --switch``.
"""


def secret_file(port: int) -> Path:
    """Return the file with the secret of the service at `port` of this computer; raise RuntimeError without a home."""
    return Path.home() / FOLDER / f"{port}.secret"


def write_secret(port: int) -> str:
    """Write a new secret with mode 0600 and return it.

    Raises:
        OSError: The file cannot be written.
        RuntimeError: There is no home folder, or (FolderRefused) others may write to it.
    """
    path = secret_file(port)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    trusted_folder(path.parent)
    secret = secrets.token_urlsafe(32)
    handle, name = tempfile.mkstemp(dir=path.parent)  # mode 0600 from the beginning
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret)
    Path(name).replace(path)
    return secret


def read_secret(path: Path) -> str:
    """Return the secret in `path`; "" if there is none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return ""


def remove_secret(port: int, secret: str) -> None:
    """Remove the file, unless a later service at the same port wrote its own."""
    with suppress(OSError, RuntimeError):
        path = secret_file(port)
        if read_secret(path) == secret:
            path.unlink()
