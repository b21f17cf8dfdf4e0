"""Pass the files of a second start to the window that is already open, and raise that window.

Requests are small files in ``<data folder>/handover``, written atomically by a rename. The window reads the folder
every few hundred milliseconds and removes the files it read. No port and no socket is involved.
"""

import contextlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from app.paths import DataPaths, unusable

POLL_S = 0.03
MAX_BYTES = 1 << 20
MAX_FILES, MAX_TOKEN = 64, 200
SUFFIX = ".json"
TOKEN = "XDG_ACTIVATION_TOKEN"
"""The variable with a Wayland desktop's permission to come to the front, which only the second start receives."""


def hand_over(paths: DataPaths, files: Sequence[Path], timeout_s: float = 3.0) -> bool:
    """Write a request and wait until the window has read it; withdraw it and return False after the timeout.

    A request without `files` only raises the window.

    Raises:
        DataFolderUnusable: if the request cannot be written.
    """
    from app.files import write_whole  # late: the window's first paint does not wait for it

    name = f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(4).hex()}"
    request = paths.handover / f"{name}{SUFFIX}"
    facts = {"files": [str(path.absolute()) for path in files], "token": os.environ.get(TOKEN, "")}
    try:
        write_whole(request, json.dumps(facts).encode("ascii"))  # ASCII escapes keep file names of invalid Unicode
    except OSError as error:
        raise unusable(request, error) from error
    deadline = time.monotonic() + timeout_s
    while request.exists():
        if time.monotonic() > deadline:
            try:
                request.unlink()
            except FileNotFoundError:
                return True  # the window read it at the last moment
            return False
        time.sleep(POLL_S)
    return True


def take_requests(paths: DataPaths) -> list[tuple[Path, ...]]:
    """Return the files of the requests that arrived since the last call, oldest first. An empty folder costs little.

    The permission to raise the window goes into the environment, where Qt looks for it.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(paths.handover) if entry.name.endswith(SUFFIX))
    except OSError:
        return []
    found = (_take(paths.handover / name) for name in names)
    return [request for request in found if request is not None]


def forget_requests(paths: DataPaths) -> None:
    """Remove requests for a window that has ended meanwhile. Only the holder of the lock calls this, at its start."""
    with contextlib.suppress(OSError):
        for path in paths.handover.iterdir():
            path.unlink(missing_ok=True)


def _take(path: Path) -> tuple[Path, ...] | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
        path.unlink()
        facts = json.loads(data)
        if token := str(facts.get("token", ""))[:MAX_TOKEN]:
            os.environ[TOKEN] = token  # Qt uses it once, when the window is raised
        return tuple(Path(str(name)) for name in facts["files"][:MAX_FILES])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return None
