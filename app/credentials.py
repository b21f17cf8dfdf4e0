"""The person's token for the model hub: in the system's keyring, else in a file that they alone may read.

A token belongs to one hub's address and is given out for that address only. It is never logged and never shown again.
Whether there is one, and where, stands in ``<data folder>/hub/token.json``: without it the keyring is not even asked,
since some keyrings ask the person for a password first.
"""

import contextlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from app.errors import RefusedError
from app.files import write_whole
from app.paths import unusable

TOKEN_VARIABLE = "HF_TOKEN"
TOKEN_FILE = "token.json"
SERVICE = "fettle-hub"
MAX_BYTES = 1 << 16
GOOD_TOKEN = re.compile(r"[!-~]{1,500}")
"""Printable ASCII without spaces: anything else could change the request that it is sent with."""

Kept = Literal["keyring", "file"]
TokenPlace = Literal["", "environment", "keyring", "file"]


@dataclass(frozen=True)
class FoundToken:
    """`value` stays out of every text. `source` says where it came from."""

    value: str = field(repr=False)
    source: Literal["environment", "keyring", "file"]


def checked_token(text: str) -> str:
    """The token without what a paste brings along. Raises `RefusedError` for what cannot be one; never repeats it."""
    token = text.strip()
    if not GOOD_TOKEN.fullmatch(token):
        raise RefusedError(
            "bad_token",
            "This is no token",
            "A token is one word of letters, digits and signs, such as hf_… on the hub's settings page.",
            "Copy the token again, as a whole and without anything around it.",
        )
    return token


def find_token(folder: Path, endpoint: str, environment: Mapping[str, str] = os.environ) -> FoundToken | None:
    """HF_TOKEN, else what was kept for `endpoint`. Raises `RefusedError` for a HF_TOKEN that cannot be one."""
    if environment.get(TOKEN_VARIABLE, "").strip():
        return FoundToken(checked_token(environment[TOKEN_VARIABLE]), "environment")
    entry = _entries(folder / TOKEN_FILE).get(endpoint)
    if not isinstance(entry, dict):
        return None
    if entry.get("kept") == "keyring":
        value = _from_keyring(endpoint)
        return FoundToken(value, "keyring") if value else None
    value = entry.get("token")
    return FoundToken(value, "file") if isinstance(value, str) and GOOD_TOKEN.fullmatch(value) else None


def knows_token(folder: Path, endpoint: str, environment: Mapping[str, str] = os.environ) -> TokenPlace:
    """Where the token for `endpoint` is, "" for nowhere. The keyring, which may ask for a password, is not opened."""
    if environment.get(TOKEN_VARIABLE, "").strip():
        return "environment"
    entry = _entries(folder / TOKEN_FILE).get(endpoint)
    if not isinstance(entry, dict):
        return ""
    return "keyring" if entry.get("kept") == "keyring" else "file"


def keep_token(folder: Path, endpoint: str, token: str) -> Kept:
    """Keep it for `endpoint` and say where. Raises `RefusedError` or `DataFolderUnusable`."""
    token = checked_token(token)
    entry: dict[str, str] = {"kept": "keyring"}
    if not _into_keyring(endpoint, token):
        entry = {"kept": "file", "token": token}
    _write(folder, {**_entries(folder / TOKEN_FILE), endpoint: entry})
    return "keyring" if entry["kept"] == "keyring" else "file"


def forget_token(folder: Path, endpoint: str) -> bool:
    """Remove what was kept for `endpoint`; whether there was anything. Raises `DataFolderUnusable`."""
    entries = _entries(folder / TOKEN_FILE)
    entry = entries.pop(endpoint, None)
    if entry is None:
        return False
    if isinstance(entry, dict) and entry.get("kept") == "keyring":
        import keyring
        from keyring.errors import KeyringError

        with contextlib.suppress(KeyringError):
            keyring.delete_password(SERVICE, endpoint)
    _write(folder, entries)
    return True


def _entries(path: Path) -> dict[str, Any]:
    """What is kept by address; nothing where the file is missing or damaged. Closed where others could read it."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                os.fchmod(file.fileno(), 0o600)
            data = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _write(folder: Path, entries: Mapping[str, Any]) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(folder / TOKEN_FILE, json.dumps(dict(entries)).encode())
    except OSError as error:
        raise unusable(folder / TOKEN_FILE, error) from error


def _into_keyring(endpoint: str, token: str) -> bool:
    """Whether the system has a keyring that really keeps it. One of priority below 1 is no protection, says its API."""
    import keyring
    from keyring.errors import KeyringError

    try:
        if keyring.get_keyring().priority < 1:
            return False
        keyring.set_password(SERVICE, endpoint, token)
        return keyring.get_password(SERVICE, endpoint) == token
    except (KeyringError, RuntimeError, OSError):
        return False


def _from_keyring(endpoint: str) -> str | None:
    """None where it is locked or was emptied from outside."""
    import keyring
    from keyring.errors import KeyringError

    try:
        value = keyring.get_password(SERVICE, endpoint)
    except (KeyringError, RuntimeError, OSError):
        return None
    return value if value and GOOD_TOKEN.fullmatch(value) else None
