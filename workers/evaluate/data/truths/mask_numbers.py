"""Convert label masks to class numbers of the model, in the frame that the model sees.

One PNG is stored for each test item: 8 bits, or 16 for models with more than 255 classes. The highest number means
"ignore".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.specs import Finding
from workers.contracts.translation import _, mark, ngettext
from workers.evaluate.data.base import info, names_of, warning
from workers.evaluate.data.facts import sides_of
from workers.evaluate.data.store import StoredItem
from workers.evaluate.data.truths.boxes import class_numbers
from workers.evaluate.data.truths.yolo import class_names
from workers.pipeline.images import check_pixels, placing_of
from workers.pipeline.spec import PARSER_ERRORS, ImageSteps, MaskSteps, PipelineSpec

READING = mark("Reading masks")
FOLDER = "masks"
IGNORE = -1
"""Class number of pixels that no score uses."""

IGNORED = (255, 65535)
"""Numbers of ignored pixels in common formats (Pascal VOC, Cityscapes)."""

MOST_ASPECT_PX = 1.0
"""A mask whose sides are the picture's times one factor, to within a pixel, is only resized."""

CITYSCAPES = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15,
    31: 16, 32: 17, 33: 18,
}  # fmt: skip
"""Maps `id` to `trainId` (cityscapesScripts, helpers/labels.py): the 19 classes that are judged."""

Numbers = NDArray[np.int32]


def store_masks(
    folder: Path, test: Sequence[StoredItem], spec: PipelineSpec, root: Path, ctx: JobContext
) -> tuple[dict[int, str], tuple[Finding, ...]]:
    """Write the masks of test items below `folder`; return the file of each item that has one, and findings."""
    if not isinstance(spec.preprocess, ImageSteps) or not any(kept.entry.mask is not None for kept in test):
        return {}, ()
    values: set[int] = set()
    problems: dict[str, list[str]] = defaultdict(list)
    usable = []
    for number, kept in enumerate(in_steps(ctx, READING, test, "items")):
        if kept.entry.mask is None:
            continue
        problem, name = _look(kept, kept.entry.mask, values)
        problems[problem].append(name)
        if problem in ("", "resized"):
            usable.append(number)
    meaning, findings = _meaning(values, spec, root, [kept.entry.mask for kept in test if kept.entry.mask])
    stored = {}
    (folder / FOLDER).mkdir(exist_ok=True)
    for number in usable if meaning else ():
        ctx.check_cancelled()
        name = f"{FOLDER}/{number:06d}.png"
        mask, size = test[number].entry.mask, sides_of(test[number].entry)
        assert mask is not None and size is not None
        _write(folder / name, _framed(_translated(_pixels(mask), meaning), size, spec.preprocess))
        stored[number] = name
    return stored, (*_problem_findings(problems), *findings)


def read_mask(path: str) -> Numbers:
    """Return a stored mask (height, width) in the model's input frame, with `IGNORE` where nothing is judged."""
    values = _pixels(Path(path))
    ignored = IGNORED[0] if values.dtype.itemsize == 1 else IGNORED[1]
    return np.where(values == ignored, IGNORE, values.astype(np.int32)).astype(np.int32)


def resized(mask: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a mask (height, width) at another size, by the pixel at the center of each new one; no number is new."""
    if mask.shape == shape:
        return mask
    rows, columns = (
        np.minimum((np.arange(new) + 0.5) * old / new, old - 1).astype(np.int64)
        for new, old in zip(shape, mask.shape, strict=True)
    )
    return np.asarray(mask[rows[:, None], columns[None]])


def mask_class_count(spec: PipelineSpec) -> int | None:
    """Return how many classes the model predicts, 2 for a single plane; None if the number is unknown."""
    steps = spec.postprocess
    if not isinstance(steps, MaskSteps):
        return None
    planes = None
    output = next((one for one in spec.outputs if one.name == steps.output), None)
    if output is not None and steps.planes != "none" and len(output.shape) == 4:
        planes = output.shape[1 if steps.planes == "first" else -1]
    if steps.threshold is not None or planes == 1:
        return 2
    return planes if planes is not None else len(spec.classes) if spec.classes is not None else None


def _pixels(path: Path) -> NDArray[Any]:
    """Return the pixels (height, width) as written: numbers of a palette or gray levels.

    Raises:
        ValueError: If the file is not such a mask.
        OSError: If it cannot be read.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            check_pixels(image, path)
            values = np.asarray(image)
    except Image.DecompressionBombError as error:
        raise ValueError("too many pixels") from error
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    if values.ndim == 3 and image.mode in ("RGB", "RGBA") and (values[..., :3] == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim != 2:
        raise ValueError("colors are no class numbers")
    return values


def _look(kept: StoredItem, mask: Path, found: set[int]) -> tuple[str, str]:
    """Return the problem of this mask ("" for none) and the item's name; add its numbers to `found`."""
    size = sides_of(kept.entry)
    try:
        values = _pixels(mask)
    except PARSER_ERRORS:
        values = None
    if values is None or size is None:
        return "unusable", kept.entry.source
    height, width = values.shape
    problem = "" if (width, height) == size else "resized"
    factor = np.sqrt(width * height / (size[0] * size[1]))
    if abs(size[0] * factor - width) > MOST_ASPECT_PX or abs(size[1] * factor - height) > MOST_ASPECT_PX:
        return "other_shape", f"{kept.entry.source} ({width}×{height} ≠ {size[0]}×{size[1]})"
    found.update(np.unique(values).tolist())
    return problem, kept.entry.source


def _meaning(
    found: set[int], spec: PipelineSpec, root: Path, files: Sequence[Path]
) -> tuple[Mapping[int, int], list[Finding]]:
    """Return the model's class for each written number, and findings.

    Numbers without a class are left out, and reported unless they mean "ignore".
    """
    count = mask_class_count(spec)
    usual = _by_convention(found, count, files)
    if usual is not None:
        return usual[0], [info(usual[1])]
    findings = []
    meaning = _by_names(found, spec, root)
    if meaning is not None:
        findings.append(info("The numbers of the masks are matched with the model’s classes by their names."))
    else:
        meaning = {one: one for one in found if one not in IGNORED and (count is None or one < count)}
    strange = sorted(found - set(meaning) - set(IGNORED))
    if strange:
        what = (
            _(
                "The masks hold numbers that are no classes of the model (it has {0:,}, counted from 0): {1}."
                " These pixels are left out of the scores."
            )
            if count is not None
            else _(
                "The masks hold numbers that are no classes of the model (by their names): {1}."
                " These pixels are left out of the scores."
            )
        )
        findings.append(warning(what.format(count, names_of([str(one) for one in strange], 8))))
    if not meaning and found:
        findings.append(
            warning(
                "No pixel of the masks is of a class that the model knows: they are not used, and answers are compared."
            )
        )
    return meaning, findings


def _by_convention(found: set[int], count: int | None, files: Sequence[Path]) -> tuple[Mapping[int, int], str] | None:
    """Return the meaning by a common numbering if plain numbers are impossible; else None."""
    if count == 2 and found == {0, 255}:
        return {0: 0, 255: 1}, _("The masks are black and white: white (255) is the thing, black (0) is the rest.")
    if count == len(CITYSCAPES) and all(file.stem.lower().endswith("_labelids") for file in files):
        return CITYSCAPES, _("The masks hold Cityscapes’ label ids: its 19 classes are judged, the rest is left out.")
    if count is not None and count > 2 and count in found and found <= {*range(count + 1), *IGNORED}:
        report = _("The masks count classes from 1 to {0}: 0 is left out of the scores (as in ADE20K).").format(count)
        return {one: one - 1 for one in range(1, count + 1)}, report
    return None


def _by_names(found: set[int], spec: PipelineSpec, root: Path) -> Mapping[int, int] | None:
    """Return the meaning by the names in a list next to the masks; None if the model uses the same numbers."""
    names = class_names(root) if spec.classes is not None else None
    if names is None:
        return None
    numbers = class_numbers({name for name in names if not name.isdigit()}, spec.classes)
    meaning = {at: numbers[name] for at, name in enumerate(names) if at in found and name in numbers}
    return meaning if any(at != one for at, one in meaning.items()) else None


def _translated(values: NDArray[Any], meaning: Mapping[int, int]) -> Numbers:
    table = np.full(int(values.max(initial=0)) + 1, IGNORE, np.int32)
    for written, one in meaning.items():
        if written < len(table):
            table[written] = one
    return np.asarray(table[values], np.int32)


def _framed(mask: Numbers, size: tuple[int, int], steps: ImageSteps) -> Numbers:
    """Return the mask of a picture of `size` (width, height) in the model's frame.

    It is cropped like the picture, and `IGNORE` where a letterbox fills up.
    """
    placing = placing_of(size, steps)
    across, down = (
        np.floor((np.arange(count) + 0.5 - offset) / scale).astype(np.int64)
        for count, offset, scale in zip(placing.frame, placing.offset, placing.scale, strict=True)
    )
    whole = resized(mask, (size[1], size[0]))
    inside = ((down >= 0) & (down < size[1]))[:, None] & ((across >= 0) & (across < size[0]))[None]
    rows, columns = np.clip(down, 0, size[1] - 1), np.clip(across, 0, size[0] - 1)
    return np.where(inside, whole[rows[:, None], columns[None]], IGNORE).astype(np.int32)


def _write(path: Path, mask: Numbers) -> None:
    from PIL import Image

    kind: type[Any] = np.uint8 if mask.max(initial=0) < IGNORED[0] else np.uint16
    values = np.where(mask == IGNORE, np.iinfo(kind).max, mask).astype(kind)
    Image.fromarray(values).save(path)


def _problem_findings(problems: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield findings about masks that are resized or cannot be used; `problems` holds the items of each problem."""
    if items := problems.get("resized"):
        yield info(
            ngettext(
                "{0} mask had another size than the picture and the same shape; sizes were matched without new"
                " numbers (nearest neighbor): {1}.",
                "{0:,} masks had another size than the picture and the same shape; sizes were matched without new"
                " numbers (nearest neighbor): {1}.",
                len(items),
            ).format(len(items), names_of(items))
        )
    if items := problems.get("other_shape"):
        yield warning(
            ngettext(
                "{0} mask cannot belong to the picture, whose shape is another: {1}. There only changes of answers are"
                " counted.",
                "{0:,} masks cannot belong to the picture, whose shape is another: {1}. There only changes of answers"
                " are counted.",
                len(items),
            ).format(len(items), names_of(items))
        )
    if items := problems.get("unusable"):
        yield warning(
            ngettext(
                "{0} mask cannot be used: {1}. A mask is a PNG of one number for each pixel (palette or gray), not of"
                " colors.",
                "{0:,} masks cannot be used: {1}. A mask is a PNG of one number for each pixel (palette or gray), not"
                " of colors.",
                len(items),
            ).format(len(items), names_of(items))
        )
