"""Remove Fettle from this computer: its key of one Fettle, and its files once no other Fettle has a key here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MARK = "/agent/workers/remote/agent.py"


def keys_file() -> Path:
    """Return the file of the keys that may log in to this account."""
    return Path.home() / ".ssh" / "authorized_keys"


def key_lines() -> list[str]:
    """Return the lines of the file of keys; none if there is no such file."""
    try:
        return keys_file().read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def write_keys(lines: list[str]) -> None:
    """Replace the file of keys, which only this account can read; a link to it stays."""
    path = Path(os.path.realpath(str(keys_file())))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + ".fettle")
    with new.open("w", encoding="utf-8", errors="surrogateescape") as file:
        new.chmod(0o600)
        file.writelines(line + "\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def is_key(line: str, key_id: str) -> bool:
    """Return whether a line is the key that Fettle added under this name."""
    return MARK in line and line.split()[-1:] == [key_id]


def remove_key(key_id: str) -> None:
    """Remove a key of Fettle; other lines stay as they are."""
    lines = key_lines()
    left = [line for line in lines if not is_key(line, key_id)]
    if left != lines:
        write_keys(left)


def leave(home: Path, words: list[str]) -> int:
    """Remove the key named in `words` and, without another key of Fettle here, end all jobs and remove all files."""
    if len(words) == 1:
        remove_key(words[0])
    if not any(str(home) + MARK in line for line in key_lines()):
        from workers.remote.session import end  # the setup, which imports this module, needs the keys only

        for folder in (home / "jobs").glob("*/"):
            end(home, [folder.name])
        shutil.rmtree(str(home), ignore_errors=True)
    return 0
