"""Detect labels in a folder beside the chosen one, which may not be read."""

from collections.abc import Sequence
from pathlib import Path

from workers.contracts.specs import Finding
from workers.evaluate.data.base import warning

PICTURE_FOLDERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "leftimg8bit"})
"""Common names of the folder of pictures, in lower case."""


def labels_above(root: Path, folders: Sequence[str], what: str) -> tuple[Finding, ...]:
    """Return a warning if only the folder of pictures was chosen and one of `folders` lies beside it."""
    beside = [name for name in folders if (root.parent / name).is_dir()] if root.name.lower() in PICTURE_FOLDERS else []
    if not beside:
        return ()
    told = f"The folder “{beside[0]}” lies beside the pictures: choose the folder above both, so that its {what} count."
    return (warning(told),)
