"""Read folders of pictures, with boxes or masks if the model predicts them."""

from dataclasses import replace
from pathlib import Path

from workers.contracts.data.reading import FOLDER_LABELS
from workers.contracts.translation import mark
from workers.evaluate.data.base import Collection, Options, Reader
from workers.evaluate.data.folders import files_below, is_list, read_files
from workers.evaluate.data.truths.boxes import with_boxes
from workers.evaluate.data.truths.masks import with_masks
from workers.pipeline.spec import ImageSteps

SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".ico", ".jp2",
    ".avif", ".pcx", ".tga",
})  # fmt: skip


def matches(path: Path) -> bool:
    """Return whether the path is or contains pictures, or is a list of files."""
    if path.is_file():
        return path.suffix.lower() in SUFFIXES or is_list(path)
    return next(files_below(path, SUFFIXES), None) is not None


def read(path: Path, options: Options) -> Collection:
    """Read the pictures and their labels, boxes or masks."""
    collection = read_files(path, SUFFIXES, "images", options)
    if not path.is_dir() or options.spec.answer_kind == "class":
        return collection
    if options.spec.answer_kind == "mask":
        entries, findings = with_masks(collection.entries, path)
    else:
        entries, findings = with_boxes(collection.entries, path, options.spec)
    if any(entry.boxes is not None or entry.mask is not None for entry in entries):
        # The folders of such a set are named after their contents, for example "images", not after classes.
        entries = [replace(entry, labels=()) for entry in entries]
        own = tuple(finding for finding in collection.findings if finding.code != FOLDER_LABELS)
        collection = replace(collection, findings=own)
    return replace(collection, entries=entries, findings=(*collection.findings, *findings))


READER = Reader("pictures", mark("pictures"), (ImageSteps,), matches, read)
