"""Read boxes in COCO's format: a JSON file with `images`, `annotations` and `categories`."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from workers.contracts.specs import Finding
from workers.contracts.translation import _
from workers.evaluate.data.base import info
from workers.evaluate.data.dataset import Box
from workers.pipeline.spec import ImageSteps, PipelineSpec

MAX_BYTES = 256 << 20
MAX_SIDE = 1e9
"""Longest side of a box in pixels; larger numbers mean damage."""

Boxes = dict[str, tuple[Box, ...]]


def boxes_beside(folder: Path, spec: PipelineSpec) -> tuple[Boxes, tuple[Finding, ...]]:
    """Return boxes by the name of their picture (empty for pictures that are listed without any), and findings.

    A box is in shares of the picture: left, top, width, height, and the class. Classes are the model's if it knows all
    names, else COCO's own numbers. Nothing is returned if the model crops pictures, because boxes would have another
    frame.
    """
    steps = spec.preprocess
    if not isinstance(steps, ImageSteps) or steps.crop is not None or isinstance(steps.resize, int):
        return {}, ()
    for path in sorted(folder.glob("*.json")):
        facts = _read(path)
        if facts is not None:
            found = _boxes(facts, spec)
            what = _("The boxes of {0:,} pictures come from {1}.").format(len(found), path.name)
            return found, (info(what),)
    return {}, ()


def _read(path: Path) -> dict[str, Any] | None:
    if path.stat().st_size > MAX_BYTES:
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    wanted = ("images", "annotations", "categories")
    if not isinstance(facts, dict) or not all(isinstance(facts.get(name), list) for name in wanted):
        return None
    return facts


def _boxes(facts: dict[str, Any], spec: PipelineSpec) -> Boxes:
    """Return the boxes; entries without the required fields are left out."""
    numbers = _classes(facts["categories"], spec)
    pictures = {
        row["id"]: (str(row["file_name"]), float(row["width"]), float(row["height"]))
        for row in facts["images"]
        if isinstance(row, dict) and "file_name" in row and _is_id(row.get("id")) and _has_sides(row)
    }
    rows: dict[str, list[Box]] = defaultdict(list, {name: [] for name, _, _ in pictures.values()})
    for row in facts["annotations"]:
        if not isinstance(row, dict) or not _is_id(row.get("image_id")) or not _is_id(row.get("category_id")):
            continue
        if row["image_id"] not in pictures or row["category_id"] not in numbers:
            continue
        box = row.get("bbox")
        if isinstance(box, list) and len(box) == 4 and all(_is_number(v) for v in box):
            name, width, height = pictures[row["image_id"]]
            x, y, w, h = (float(v) for v in box)
            rows[name].append((x / width, y / height, w / width, h / height, numbers[row["category_id"]]))
    return {name: tuple(boxes) for name, boxes in rows.items()}


def _is_id(value: Any) -> bool:
    """Return whether a value can be an id: a number as the format demands, or a text as some files have."""
    return isinstance(value, int | str)


def _is_number(value: Any) -> bool:
    """Return whether a value is a finite number that fits a float."""
    return isinstance(value, int | float) and abs(value) < MAX_SIDE


def _has_sides(row: dict[str, Any]) -> bool:
    return all(_is_number(row.get(side)) and row[side] > 0 for side in ("width", "height"))


def _classes(categories: list[Any], spec: PipelineSpec) -> dict[int, int]:
    named = {
        row["id"]: str(row.get("name", "")).casefold()
        for row in categories
        if isinstance(row, dict) and _is_id(row.get("id"))
    }
    known = {name.casefold(): index for index, name in enumerate(spec.classes or ())}
    if named and all(name in known for name in named.values()):
        return {number: known[name] for number, name in named.items()}
    return {number: int(number) for number in named if isinstance(number, int)}
