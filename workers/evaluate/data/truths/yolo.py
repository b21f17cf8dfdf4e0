"""Read boxes in YOLO's format: a text file for each picture, with classes in `data.yaml` or a list.

A line is a class number and center x, center y, width, height in shares of the picture (Ultralytics' detection format).
More than four numbers are the corners of a polygon, whose bounding box is used.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from workers.evaluate.data.dataset import Box

MAX_BYTES = 1 << 20
LISTS = ("classes.txt", "obj.names", "labels.txt")
SETTINGS = ("data.yaml", "data.yml", "dataset.yaml")
_LEVELS_UP = 3


def yolo_boxes(picture: Path, root: Path) -> list[tuple[int, Box]] | None:
    """Return (class number of the labels, box) of one picture; None if it has no such file.

    The file is in `labels` if the picture is in `images`, or next to the picture. Damaged lines are left out.
    """
    texts = (_read(place) for place in _places(picture, root) if place.is_file())
    text = next((one for one in texts if one is not None), None)
    if text is None:
        return None
    found: list[tuple[int, Box]] = []
    for line in text.splitlines():
        numbers = _numbers(line)
        if numbers is not None:
            found.append((int(numbers[0]), _box(numbers)))
    return found


def _places(picture: Path, root: Path) -> list[Path]:
    """Return the files that may hold the labels of a picture, in the order in which they are tried."""
    parts = picture.relative_to(root).with_suffix(".txt").parts
    images = [at for at, part in enumerate(parts) if part.lower() == "images"]
    places = [root.joinpath(*parts[:at], "labels", *parts[at + 1 :]) for at in images]
    places.append(root.joinpath(*parts))
    if root.name.lower() == "images":
        places.append(root.parent.joinpath("labels", *parts))
    places.append(root.joinpath("labels", parts[-1]))
    return [place for place in places if place.name.lower() not in LISTS]


def _read(path: Path) -> str | None:
    """Return the text; None if there is none or it cannot be read.

    A picture then has no labels, which differs from labels without an object.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None


def _numbers(line: str) -> list[float] | None:
    try:
        numbers = [float(part) for part in line.split()]
    except ValueError:
        return None
    whole = len(numbers) >= 5 and numbers[0].is_integer() and numbers[0] >= 0
    return numbers if whole and all(-0.1 <= value <= 1.1 for value in numbers[1:]) else None


def _box(numbers: Sequence[float]) -> Box:
    """Return left, top, width and height; the class is −1 until the model's class is known."""
    if len(numbers) == 5:
        x, y, width, height = numbers[1:]
        return (x - width / 2, y - height / 2, width, height, -1)
    xs, ys = numbers[1::2], numbers[2::2]
    return (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys), -1)


def class_names(root: Path) -> tuple[str, ...] | None:
    """Return the class names in `data.yaml` (`names`, a list or a map of numbers) or in a list with one name per line.

    The files are searched in this folder and up to two folders above; None if there are none.
    """
    folder = root
    for _ in range(_LEVELS_UP):
        for name in SETTINGS:
            if names := _names_in_settings(_read(folder / name) or ""):
                return names
        for name in LISTS:
            lines = [line.strip() for line in (_read(folder / name) or "").splitlines()]
            if any(lines):
                return tuple(line for line in lines if line)
        folder = folder.parent
    return None


def _names_in_settings(text: str) -> tuple[str, ...] | None:
    if "&" in text and "*" in text:
        return None  # aliases can make a small YAML text explode
    try:
        data: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    names = data.get("names") if isinstance(data, Mapping) else None
    if isinstance(names, list):
        return tuple(str(name) for name in names)
    if isinstance(names, Mapping) and all(isinstance(key, int) and 0 <= key < 100_000 for key in names):
        return tuple(str(names.get(number, number)) for number in range(max(names, default=-1) + 1))
    return None
