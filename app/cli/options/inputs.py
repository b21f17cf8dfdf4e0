"""Parse options that several commands share, and check files that a person names before anything is started."""

import os
import re
from pathlib import Path

from app.cli.output import Globals, refusal, usage
from app.paths import MAX_NAME_BYTES, why_not_writable
from workers.contracts.proof.results import TASK_IDS


def check_exists(*paths: Path | None, any_name: bool = False) -> None:
    """Raise `CommandFailed` (exit code 3) if one of the given paths is missing or unreadable.

    Names that are not valid text are accepted with `any_name`, because models are opened under any name.
    """
    for path in paths:
        if path is not None:
            _check_exists(path, any_name=any_name)


def _check_exists(path: Path, *, any_name: bool) -> None:
    shown = os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
    if not any_name and any("\udc80" <= char <= "\udcff" for char in str(path)):
        detail = f"The name {shown} holds bytes that are no text."
        raise refusal("name_no_text", "This name cannot be used", detail, "Give the file another name, and try again.")
    try:
        there = os.path.lexists(path) and path.exists()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        detail = f"{shown}: {reason}."
        raise refusal("not_readable", "This cannot be read", detail, "Check its name and rights.") from error
    if not there:
        detail = f"{shown} is not there."
        raise refusal("not_found", "There is no such file or folder", detail, "Check the name and try again.")
    if not os.access(path, os.R_OK):
        detail = f"You have no right to read {shown}."
        raise refusal(
            "not_readable", "This cannot be read", detail, "Give yourself the right to read it, and try again."
        )


def existing_key(path: Path | None) -> Path | None:
    """Return the absolute path of the key of ``--sign``, None without one; raise `CommandFailed` if it is missing."""
    check_exists(path)
    return None if path is None else path.absolute()


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


FLAGS = ("--json", "--quiet", "--version")


def split_globals(arguments: list[str]) -> tuple[Globals, list[str]]:
    """Return the global options of a command line and the rest; they may be anywhere before a ``--``."""
    flags: set[str] = set()
    data_dir: Path | None = None
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in FLAGS:
            flags.add(word)
        elif word == "--data-dir" or word.startswith("--data-dir="):
            folder = word.partition("=")[2] if "=" in word else next(words, "")
            if not folder:
                raise usage("--data-dir needs a folder.")
            data_dir = Path(folder)
        else:
            rest.append(word)
    return Globals(data_dir, "--json" in flags, "--quiet" in flags, "--version" in flags), rest


def wants_json(arguments: list[str]) -> bool:
    """Return whether errors are also printed as JSON, even if the line cannot be parsed."""
    return "--json" in arguments[: arguments.index("--") if "--" in arguments else None]


def parse_shapes(texts: list[str]) -> dict[str, tuple[int, ...]]:
    """Return ``[NAME=]1x3x224x224`` as {name or "": sizes}."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        if not re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8})*", sizes):
            raise usage(f"--shape {text!r} is not of the form [NAME=]1x3x224x224.")
        if name in shapes:
            raise usage(f"--shape names {name!r} twice." if name else "--shape without a name is there twice.")
        shapes[name] = tuple(int(size) for size in sizes.split("x"))
    return shapes


def parse_pairs(texts: list[str]) -> dict[str, str]:
    """Return ``ORIGINAL=OTHER`` as {original's name: the other model's name}."""
    pairs: dict[str, str] = {}
    for text in texts:
        original, equals, other = text.partition("=")
        if not (original and equals and other) or original in pairs or other in pairs.values():
            raise usage(f"--match {text!r} is not of the form ORIGINAL=OTHER, or names one of them twice.")
        pairs[original] = other
    return pairs


def known_task(task: str | None) -> str | None:
    """Return the id of ``--task``, or None."""
    if task is not None and task not in TASK_IDS:
        raise usage(f"--task {task!r} is none of {', '.join(TASK_IDS)}.")
    return task


def parse_batches(text: str) -> tuple[int, ...]:
    """Return ``1,4,16`` as (1, 4, 16)."""
    try:
        batches = tuple(int(part) for part in text.split(","))
    except ValueError:
        batches = ()
    if not batches or min(batches) < 1 or max(batches) > 1 << 16:
        raise usage(f"--batch {text!r} is not a list of numbers such as 1,4,16.")
    return tuple(dict.fromkeys(batches))
