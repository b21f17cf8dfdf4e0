"""Read boxes of pictures in any common format: COCO, YOLO, Pascal VOC."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from workers.contracts.specs import Finding
from workers.contracts.translation import _, mark
from workers.evaluate.data.base import Entry, info, names_of, warning
from workers.evaluate.data.dataset import Box
from workers.evaluate.data.folders import labels_above
from workers.evaluate.data.truths.classes import normal
from workers.evaluate.data.truths.coco import boxes_beside
from workers.evaluate.data.truths.pascal import pascal_boxes
from workers.evaluate.data.truths.yolo import class_names, yolo_boxes
from workers.pipeline.spec import ImageSteps, PipelineSpec

BOXES_ABOVE = mark("The folder “{0}” lies beside the pictures: choose the folder above both, so that its boxes count.")


def with_boxes(entries: Sequence[Entry], root: Path, spec: PipelineSpec) -> tuple[Sequence[Entry], tuple[Finding, ...]]:
    """Return the entries with their boxes, and findings.

    Pictures without a label file have no boxes; a picture with an empty one shows no object. Classes are the model's,
    by name if both have names. Other classes are reported and left out.
    """
    steps = spec.preprocess
    if not isinstance(steps, ImageSteps):
        return entries, ()
    coco, findings = boxes_beside(root, spec)
    if coco:
        known = [coco.get(entry.source, coco.get(Path(entry.source).name)) for entry in entries]
        return [replace(entry, boxes=boxes) for entry, boxes in zip(entries, known, strict=True)], findings
    for format_, read in (("YOLO", _yolo), ("Pascal VOC", _pascal)):
        rows = read(entries, root)
        count = sum(row is not None for row in rows)
        if count:
            report = _("Boxes come from {0} labels, for {1:,} of {2:,} pictures.").format(format_, count, len(rows))
            return _mapped(entries, rows, spec, report)
    return entries, labels_above(root, ("labels", "Annotations", "annotations"), BOXES_ABOVE)


Named = list[tuple[str, Box]] | None
"""Boxes with the class as written, a name or else a number; None if the picture has no labels."""


def _yolo(entries: Sequence[Entry], root: Path) -> list[Named]:
    names = class_names(root)

    def written(number: int) -> str:
        return names[number] if names is not None and number < len(names) else str(number)

    rows: list[Named] = []
    for entry in entries:
        sample = entry.open()
        found = yolo_boxes(sample, root) if isinstance(sample, Path) else None
        rows.append(None if found is None else [(written(number), box) for number, box in found])
    return rows


def _pascal(entries: Sequence[Entry], root: Path) -> list[Named]:
    samples = [entry.open() for entry in entries]
    return [pascal_boxes(sample, root) if isinstance(sample, Path) else None for sample in samples]


def _mapped(
    entries: Sequence[Entry], rows: Sequence[Named], spec: PipelineSpec, report: str
) -> tuple[Sequence[Entry], tuple[Finding, ...]]:
    wanted = {kind for row in rows for kind, _ in row or ()}
    numbers = class_numbers(wanted, spec.classes)
    strange = sorted(wanted - numbers.keys())
    findings = [info(report)]
    if strange:
        findings.append(
            warning(_("The model does not know {0}: boxes of these classes are left out.").format(names_of(strange)))
        )
    if not numbers and wanted:
        return entries, tuple(findings[1:])  # these labels describe something else
    found = [
        None if row is None else tuple((*box[:4], numbers[kind]) for kind, box in row if kind in numbers)
        for row in rows
    ]
    return [replace(entry, boxes=boxes) for entry, boxes in zip(entries, found, strict=True)], tuple(findings)


def class_numbers(written: set[str], classes: Sequence[str] | None) -> Mapping[str, int]:
    """Return the model's number of each written class: by name, else by number if the model has it."""
    known = {normal(name): number for number, name in enumerate(classes or ())}
    numbers = {}
    for kind in written:
        if normal(kind) in known:
            numbers[kind] = known[normal(kind)]
        elif kind.isdigit() and (classes is None or int(kind) < len(classes)):
            numbers[kind] = int(kind)
    return numbers
