"""Fetch a file that is known by its hash; an interrupted download goes on where it was."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from app.files import digest_of
from steps.lockfile import Pin
from steps.words import SetupError

TRIES = 3
CHUNK_BYTES = 1 << 16
PARTIAL, BEYOND = 206, 416


@dataclass(frozen=True)
class Part:
    """A file to fetch: the sha256 that it may have, and the most bytes that are accepted."""

    name: str
    url: str
    hashes: frozenset[str]
    most_bytes: int

    @property
    def file(self) -> str:
        """Return the file's name without folders."""
        return Path(unquote(urlsplit(self.url).path)).name


@cache
def _pip() -> tuple[Any, Any]:
    """Return pip's session and its finder of wheels, with the index, proxy and certificates that are set for pip."""
    from pip._internal.commands import create_command

    command: Any = create_command("download")
    options, _ = command.parse_args(["--no-cache-dir", "--retries", "2", "--only-binary", ":all:"])
    session = command._build_session(options)
    return session, command._build_package_finder(options, session)


def address(pin: Pin) -> str:
    """Return the address of the wheel that pip chooses for this system; nothing is downloaded.

    Raises:
        SetupError: if there is none.
    """
    from pip._internal.exceptions import PipError
    from pip._vendor.packaging.specifiers import SpecifierSet

    session, finder = _pip()
    best = finder.find_best_candidate(pin.name, specifier=SpecifierSet(f"=={pin.version}")).best_candidate
    if best is not None:
        return str(best.link.url)
    try:
        for index in finder.index_urls:
            session.head(index)
    except PipError as error:
        raise SetupError(
            "The packages could not be fetched: this computer does not reach the package index.",
            "Connect it to the internet, then try again: it goes on where it was.",
        ) from error
    raise SetupError(
        f"The package index has no ready-built {pin.name} {pin.version} for this system and Python.",
        "All other parts of Fettle work without it.",
    )


def fetch(part: Part, folder: Path, report: Callable[[], None]) -> None:
    """Put the file into `folder` unless it is there; `report` is called while bytes arrive.

    Raises:
        SetupError: if it cannot be fetched or is not the expected file. What arrived is kept, wrong bytes are not.
    """
    goal = folder / part.file
    if not goal.is_file():
        arriving = goal.with_name(f"{goal.name}.part")
        _receive(part, arriving, report)
        arriving.replace(goal)
    if digest_of(goal) not in part.hashes:
        goal.unlink()
        raise SetupError(
            f"{part.name} is not what was expected: its hash differs.",
            "Nothing of it was kept. Try again; if it stays so, look which package index is set for pip.",
        )


def _receive(part: Part, arriving: Path, report: Callable[[], None]) -> None:
    from pip._internal.exceptions import PipError
    from pip._vendor.requests.exceptions import RequestException

    tries = 0
    while tries < TRIES:
        before = arriving.stat().st_size if arriving.exists() else 0
        try:
            if _go_on(part, arriving, before, report):
                return
        except (RequestException, PipError):
            pass  # what arrived stays
        moved = arriving.exists() and arriving.stat().st_size > before
        tries = 0 if moved else tries + 1
    raise SetupError(
        f"The download of {part.name} was cut off.",
        "What arrived is kept. Look at the network, then try again: it goes on where it was.",
    )


def _go_on(part: Part, arriving: Path, before: int, report: Callable[[], None]) -> bool:
    """Append what follows the first `before` bytes; return whether the answer was complete."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={before}-"} if before else {})
    with _pip()[0].get(part.url, headers=headers, stream=True) as answer:
        if answer.status_code == BEYOND:
            arriving.unlink()
        if answer.status_code not in (200, PARTIAL):
            return False
        span = answer.headers.get("Content-Range", "") if answer.status_code == PARTIAL else ""
        follows = span.startswith(f"bytes {before}-")
        arrived = before if follows else 0
        with arriving.open("ab" if follows else "wb") as file:
            for chunk in answer.iter_content(CHUNK_BYTES):
                arrived += file.write(chunk)
                if arrived > part.most_bytes:
                    break
                report()
    if arrived > part.most_bytes:
        arriving.unlink()
        raise SetupError(f"{part.name} is larger than expected.", "Nothing of it was kept.")
    return True
