"""Find masks of pictures: PNG files whose pixels are class numbers (palette or gray).

Known layouts: folders `images` and `masks` (or `annotations`, as ADE20K), `JPEGImages` and `SegmentationClass` (Pascal
VOC), `leftImg8bit` and `gtFine` (Cityscapes), and a file with a suffix such as `_mask` next to its picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from workers.contracts.specs import Finding
from workers.contracts.translation import _, mark
from workers.evaluate.data.base import Entry, info, names_of, warning
from workers.evaluate.data.folders import PICTURE_FOLDERS, files_below, labels_above

MASK_FOLDERS = (
    "masks", "mask", "segmentationclass", "segmentationclassaug", "gtfine", "annotations", "labels", "labelids",
    "segmentation", "segmentations", "gt", "groundtruth", "ground_truth",
)  # fmt: skip
OTHER_FOLDERS = frozenset({"segmentationobject"})
"""Pictures in these folders are neither examples nor masks of classes."""

ENDINGS = (
    "_mask", "-mask", "_labelTrainIds", "_gtFine_labelTrainIds", "_labelIds", "_gtFine_labelIds", "_label", "_labels",
    "_seg", "_segmentation", "_gt", "_L",
)  # fmt: skip
PICTURE_ENDING = "_leftimg8bit"
MASKS_ABOVE = mark("The folder “{0}” lies beside the pictures: choose the folder above both, so that its masks count.")


def with_masks(entries: Sequence[Entry], root: Path) -> tuple[Sequence[Entry], tuple[Finding, ...]]:
    """Return the pictures with the files of their masks, and findings; masks themselves are not pictures of the set.

    Pictures without a mask stay as unlabelled ones. The meaning of pixels is determined where masks are stored.
    """
    files = {_key(file, root): file for file in files_below(root, frozenset({".png"}))}
    found = {entry.source: _mask_of(entry, root, files) for entry in entries}
    used = {file for file in found.values() if file is not None}
    if not used:
        lost = [entry.source for entry in entries if _in_folder(entry.source, MASK_FOLDERS)]
        if lost and len(lost) < len(entries):
            what = _(
                "No mask belongs to a picture: masks have the names of their pictures, and {0} do not. They "
                "are taken for pictures."
            ).format(names_of(lost))
            return entries, (warning(what),)
        return entries, labels_above(root, (*MASK_FOLDERS, "SegmentationClass", "gtFine"), MASKS_ABOVE)
    kept = [
        replace(entry, mask=found[entry.source], labels=())
        for entry in entries
        if entry.open() not in used and not _in_folder(entry.source, (*MASK_FOLDERS, *OTHER_FOLDERS))
    ]
    count = sum(entry.mask is not None for entry in kept)
    return kept, (info(_("Masks were found for {0:,} of {1:,} pictures.").format(count, len(kept))),)


def _mask_of(entry: Entry, root: Path, files: dict[str, Path]) -> Path | None:
    sample = entry.open()
    if not isinstance(sample, Path):
        return None
    own = _key(sample, root)
    return next((files[key] for key in _keys(sample.relative_to(root)) if key in files and key != own), None)


def _keys(picture: Path) -> Iterator[str]:
    """Yield where the mask of a picture may be, the most common place first: relative to the root, in lower case."""
    *folders, _ = (part.lower() for part in picture.parts)
    stem = picture.stem.lower()
    stems = [stem, stem.removesuffix(PICTURE_ENDING)] if stem.endswith(PICTURE_ENDING) else [stem]
    named = [f"{one}{ending.lower()}.png" for one in stems for ending in ENDINGS]
    places = [[*folders[:at], mask, *folders[at + 1 :]] for at in _picture_folders(folders) for mask in MASK_FOLDERS]
    places += [[mask] for mask in MASK_FOLDERS]
    for place in places:
        for name in (f"{stem}.png", *named):
            yield "/".join([*place, name])
    for name in named:
        yield "/".join([*folders, name])


def _picture_folders(folders: Sequence[str]) -> list[int]:
    return [at for at in reversed(range(len(folders))) if folders[at] in PICTURE_FOLDERS]


def _key(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix().lower()


def _in_folder(source: str, names: Sequence[str]) -> bool:
    return any(part in names for part in source.lower().split("/")[:-1])
