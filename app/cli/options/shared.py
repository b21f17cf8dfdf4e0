"""Parse options that several commands share, and the global ones that may be anywhere on the line."""

import re
from pathlib import Path

from app.cli.output import Globals, usage
from workers.contracts.proof.results import TASK_IDS

FLAGS = ("--json", "--quiet", "--version")


def split_globals(arguments: list[str]) -> tuple[Globals, list[str]]:
    """Return the global options of a command line and the rest; they may be anywhere before a ``--``."""
    flags: set[str] = set()
    data_dir: Path | None = None
    rest: list[str] = []
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            rest += arguments[position:]
            break
        if argument in FLAGS:
            flags.add(argument)
        elif argument == "--data-dir" or argument.startswith("--data-dir="):
            _, equals, folder = argument.partition("=")
            if not equals:
                position += 1
                folder = arguments[position] if position < len(arguments) else ""
            if not folder:
                raise usage("--data-dir needs a folder.")
            data_dir = Path(folder)
        else:
            rest.append(argument)
        position += 1
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
