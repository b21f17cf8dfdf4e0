"""Folders of pictures."""

from dataclasses import replace
from pathlib import Path

from workers.evaluate.data.base import Collection, Options, Reader
from workers.evaluate.data.coco import boxes_beside
from workers.evaluate.data.folders import files_below, read_files
from workers.pipeline.spec import ImageSteps

SUFFIXES = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".webp",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".ico",
        ".jp2",
        ".avif",
        ".pcx",
        ".tga",
    ]
)


def matches(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() in SUFFIXES
    return next(files_below(path, SUFFIXES), None) is not None


def read(path: Path, options: Options) -> Collection:
    collection = read_files(path, SUFFIXES, "images", options)
    if not path.is_dir() or options.spec.answer_kind == "class":
        return collection
    boxes, findings = boxes_beside(path, options.spec)
    if not boxes:
        return collection
    entries = [
        replace(entry, boxes=boxes.get(entry.source, boxes.get(Path(entry.source).name)))
        for entry in collection.entries
    ]
    return replace(collection, entries=entries, findings=(*collection.findings, *findings))


READER = Reader("pictures", "pictures", (ImageSteps,), matches, read)
