"""What is right may lie in a folder beside the chosen one, where nothing may be read."""

from collections.abc import Sequence
from pathlib import Path

from workers.contracts.specs import Finding

PICTURE_FOLDERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "leftimg8bit"})
"""How the field names the folder of pictures, in small letters."""


def labels_above(root: Path, folders: Sequence[str], what: str) -> tuple[Finding, ...]:
    """Told where the folder of pictures alone was chosen and one of `folders` lies beside it."""
    beside = [name for name in folders if (root.parent / name).is_dir()] if root.name.lower() in PICTURE_FOLDERS else []
    if not beside:
        return ()
    told = f"The folder “{beside[0]}” lies beside the pictures: choose the folder above both, so that its {what} count."
    return (Finding(level="warning", what=told),)
