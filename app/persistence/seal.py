"""Keep the hash of the closed database, which reveals each changed byte; SQLite's own check finds few of them."""

import contextlib
from pathlib import Path

from app.files import write_whole
from app.persistence.backup import check_content
from app.persistence.engine import connect_for_reading, has_unmoved_commits
from app.persistence.errors import translated_errors
from workers.contracts.folder import sha256_file

CHANGED = (
    "The database was changed outside Fettle since it was last closed. It can be read, but figures in it may be wrong; "
    "a checked copy lies in the folder “backups”."
)


def seal_file(database: Path) -> Path:
    """Return the path of the hash beside the database, in the form of sha256sum."""
    return database.with_name(database.name + ".sha256")


def break_seal(database: Path) -> str:
    """Check and remove the seal before the first change; return a notice for the person, or "".

    SQLite's checks run if the seal is missing (the program was killed) or wrong.

    Raises:
        StoreUnusable: The checks find damage.
    """
    seal = seal_file(database)
    try:
        words = seal.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        words = []
    untouched = bool(words) and not has_unmoved_commits(database) and words[0] == sha256_file(database)
    if not untouched:
        with translated_errors(database), contextlib.closing(connect_for_reading(database)) as connection:
            check_content(connection, database)
    seal.unlink(missing_ok=True)
    return CHANGED if words and not untouched else ""


def put_seal(database: Path) -> None:
    """Write the seal after the last connection is closed; raises OSError."""
    if not has_unmoved_commits(database):
        digest = sha256_file(database)
        write_whole(seal_file(database), f"{digest}  {database.name}\n".encode())
