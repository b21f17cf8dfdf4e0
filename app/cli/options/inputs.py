"""Check files that a person names, before anything is started for them."""

import os
from pathlib import Path

from app.cli.output import refusal
from app.paths import MAX_NAME_BYTES, why_not_writable


def check_exists(path: Path, *, any_name: bool = False) -> None:
    """Raise `CommandFailed` (exit code 3) if a path is missing or unreadable.

    Names that are not valid text are accepted with `any_name`, because models are opened under any name.
    """
    shown = os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
    if not any_name and any("\udc80" <= char <= "\udcff" for char in str(path)):
        detail = f"The name {shown} holds bytes that are no text."
        raise refusal("name_no_text", "This name cannot be used", detail, "Give the file another name, and try again.")
    try:
        there = os.path.lexists(path) and path.exists()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        detail = f"{shown}: {reason}."
        raise refusal("not_readable", "This cannot be looked at", detail, "Check its name and rights.") from error
    if not there:
        detail = f"{shown} is not there."
        raise refusal("not_found", "There is no such file or folder", detail, "Check the name and try again.")
    if not os.access(path, os.R_OK):
        detail = f"You have no right to read {shown}."
        raise refusal(
            "not_readable", "This cannot be read", detail, "Give yourself the right to read it, and try again."
        )


def check_folder_for(out: Path) -> None:
    """Raise `CommandFailed` if an output folder is a file or cannot be made."""
    nearest = next(place for place in (out.absolute(), *out.absolute().parents) if os.path.lexists(place))
    if not nearest.is_dir():
        detail = f"{nearest} is a file."
        raise refusal("not_a_folder", "The folder cannot be written", detail, "Name another one with --out.")
    missing = out.absolute().relative_to(nearest).parts
    if any(len(os.fsencode(name)) > MAX_NAME_BYTES for name in missing):
        detail = f"The name of a folder may have {MAX_NAME_BYTES} bytes."
        raise refusal("name_too_long", "The name is too long", detail, "Choose a shorter one with --out.")
    if reason := why_not_writable(nearest):
        detail = f"Nothing can be written into {nearest}: {reason}."
        raise refusal("not_writable", "The folder cannot be written", detail, "Name another one with --out.")
