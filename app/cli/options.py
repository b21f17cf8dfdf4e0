"""Options that several commands share, and the global ones that stand anywhere on the line."""

import re
from pathlib import Path

from app.cli.output import Globals, usage

FLAGS = {"--json": "json", "--quiet": "quiet"}


def split_globals(arguments: list[str]) -> tuple[Globals, list[str]]:
    """Take the global options out of a command line, wherever they stand before a ``--``."""
    found: dict[str, bool] = {}
    data_dir: Path | None = None
    rest: list[str] = []
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            rest += arguments[position:]
            break
        if argument in FLAGS:
            found[FLAGS[argument]] = True
        elif argument == "--data-dir":
            position += 1
            if position == len(arguments):
                raise usage("--data-dir needs a folder.")
            data_dir = Path(arguments[position])
        elif argument.startswith("--data-dir="):
            data_dir = Path(argument.partition("=")[2])
        else:
            rest.append(argument)
        position += 1
    return Globals(data_dir, found.get("json", False), found.get("quiet", False)), rest


def parse_shapes(texts: list[str]) -> dict[str, tuple[int, ...]]:
    """``[NAME=]1x3x224x224`` → {name or "": sizes}."""
    shapes = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", sizes):
            raise usage(f"--shape {text!r} is not of the form [NAME=]1x3x224x224.")
        shapes[name] = tuple(int(size) for size in sizes.split("x"))
    return shapes


def parse_batches(text: str) -> tuple[int, ...]:
    """``1,4,16`` → (1, 4, 16)."""
    try:
        batches = tuple(int(part) for part in text.split(","))
    except ValueError:
        batches = ()
    if not batches or min(batches) < 1:
        raise usage(f"--batch {text!r} is not a list of numbers such as 1,4,16.")
    return batches
