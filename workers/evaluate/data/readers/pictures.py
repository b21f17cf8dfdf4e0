"""Folders of pictures."""

from pathlib import Path

from workers.evaluate.data.base import Collection, Options, Reader
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
    return read_files(path, SUFFIXES, "images", options)


READER = Reader("pictures", "pictures", (ImageSteps,), matches, read)
