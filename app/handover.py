"""What a second start asks of the open window: to come to the front and to open the files that it was given.

Requests are small files in ``<data folder>/handover``, written whole by one rename; the window looks there
every few hundred milliseconds and removes what it took. No port and no socket is involved.
"""

import contextlib
import json
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from app.paths import DataPaths, unusable

POLL_S = 0.03
MAX_BYTES = 1 << 20
MAX_FILES = 64
SUFFIX = ".json"


@dataclass(frozen=True)
class Request:
    """Absolute paths to open (none: only come to the front).

    `activation_token` is what the desktop gave the second start, so that the window may raise itself.
    """

    files: tuple[Path, ...] = ()
    activation_token: str = ""


def hand_over(paths: DataPaths, request: Request, timeout_s: float = 3.0) -> bool:
    """Leave a request and wait until the window has taken it; withdraw it and give False if it does not.

    Raises `DataFolderUnusable` if the request cannot be written.
    """
    name = f"{time.time_ns():020d}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    waiting, final = paths.handover / f"{name}.part", paths.handover / f"{name}{SUFFIX}"
    facts = {
        "files": [str(path.absolute()) for path in request.files],
        "activation_token": request.activation_token,
    }
    try:
        waiting.write_bytes(json.dumps(facts).encode("ascii"))  # ascii keeps names that are no valid text
        waiting.replace(final)
    except OSError as error:
        with contextlib.suppress(OSError):
            waiting.unlink(missing_ok=True)
        raise unusable(waiting, error) from error
    deadline = time.monotonic() + timeout_s
    while final.exists():
        if time.monotonic() > deadline:
            try:
                final.unlink()
            except FileNotFoundError:
                return True  # taken in the last moment
            return False
        time.sleep(POLL_S)
    return True


def take_requests(paths: DataPaths) -> list[Request]:
    """What second starts have left since the last call, oldest first. Cheap when nothing is there."""
    try:
        names = sorted(entry.name for entry in os.scandir(paths.handover) if entry.name.endswith(SUFFIX))
    except OSError:
        return []
    found = (_take(paths.handover / name) for name in names)
    return [request for request in found if request is not None]


def forget_requests(paths: DataPaths) -> None:
    """Remove what was left for a window that has died meanwhile. For the holder of the lock, at its start."""
    with contextlib.suppress(OSError):
        for path in paths.handover.iterdir():
            path.unlink(missing_ok=True)


def _take(path: Path) -> Request | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
        path.unlink()
        facts = json.loads(data)
        files = tuple(Path(str(name)) for name in facts["files"][:MAX_FILES])
        return Request(files, str(facts.get("activation_token", "")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return None
