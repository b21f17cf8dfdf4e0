"""Store the user's token for the model hub in the system keyring, or else in a file only the user can read.

A token belongs to the address of one hub and is returned for that address only. It is never logged and never shown
again.

``<data folder>/hub/token.json`` records whether a token exists and where. Without that record the keyring is not
opened, because some keyrings request a password first.
"""

import contextlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from app.files import write_whole
from app.paths import unusable
from workers.contracts.errors import InputRefused

TOKEN_VARIABLE = "HF_TOKEN"
TOKEN_FILE = "token.json"
SERVICE = "fettle-hub"
MAX_BYTES = 1 << 16
GOOD_TOKEN = re.compile(r"[!-~]{1,500}")
"""Pattern of a valid token: printable ASCII without spaces. Other characters could change the request that carries it.
"""

Kept = Literal["keyring", "file"]
TokenPlace = Literal["", "environment", "keyring", "file"]


def checked_token(text: str) -> str:
    """Return the token without the white space that pasting adds.

    Raises:
        InputRefused: if the text cannot be a token. The message does not repeat the text.
    """
    token = text.strip()
    if not GOOD_TOKEN.fullmatch(token):
        raise InputRefused(
            "bad_token",
            "This is no token",
            "A token is one word of letters, digits and signs, such as hf_… on the hub's settings page.",
            "Copy the token again, as a whole and without anything around it.",
        )
    return token


def find_token(folder: Path, endpoint: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the token from HF_TOKEN, or else the stored token for `endpoint`; None if there is neither.

    Raises:
        InputRefused: if HF_TOKEN cannot be a token.
    """
    if environment.get(TOKEN_VARIABLE, "").strip():
        return checked_token(environment[TOKEN_VARIABLE])
    entry = _entries(folder / TOKEN_FILE).get(endpoint)
    if not isinstance(entry, dict):
        return None
    if entry.get("kept") == "keyring":
        return _from_keyring(endpoint)
    value = entry.get("token")
    return value if isinstance(value, str) and GOOD_TOKEN.fullmatch(value) else None


def knows_token(folder: Path, endpoint: str, environment: Mapping[str, str] = os.environ) -> TokenPlace:
    """Return where the token for `endpoint` is stored; "" means that none is stored.

    The keyring is not opened, because it may request a password.
    """
    if environment.get(TOKEN_VARIABLE, "").strip():
        return "environment"
    entry = _entries(folder / TOKEN_FILE).get(endpoint)
    if not isinstance(entry, dict):
        return ""
    return "keyring" if entry.get("kept") == "keyring" else "file"


def save_token(folder: Path, endpoint: str, token: str) -> Kept:
    """Store the token for `endpoint` and return the place.

    Raises:
        InputRefused: if the text cannot be a token.
        DataFolderUnusable: if the file cannot be written.
    """
    token = checked_token(token)
    entry: dict[str, str] = {"kept": "keyring"}
    if not _into_keyring(endpoint, token):
        entry = {"kept": "file", "token": token}
    _write(folder, {**_entries(folder / TOKEN_FILE), endpoint: entry})
    return "keyring" if entry["kept"] == "keyring" else "file"


def stored_secrets(folder: Path) -> set[str]:
    """Return the tokens in the file of tokens; the keyring stays closed, because it may ask the user for a password."""
    entries = _entries(folder / TOKEN_FILE).values()
    return {entry["token"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("token"), str)}


def forget_token(folder: Path, endpoint: str) -> bool:
    """Remove the stored token for `endpoint` and return whether there was one.

    Raises:
        DataFolderUnusable: if the file cannot be written.
    """
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
    """Return the stored entries by address; empty if the file is missing or damaged.

    Permissions that let other accounts read the file are corrected.
    """
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
    """Return whether the system keyring stored the token; a value read back must match.

    A keyring with a priority below 1 gives no protection, according to the keyring API, and is not used.
    """
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
    """Return the token from the keyring; None if the keyring is locked or the entry was removed elsewhere."""
    import keyring
    from keyring.errors import KeyringError

    try:
        value = keyring.get_password(SERVICE, endpoint)
    except (KeyringError, RuntimeError, OSError):
        return None
    return value if value and GOOD_TOKEN.fullmatch(value) else None
