"""Read and write the folder of a data set: `data.json`, and the prepared stores `test/` and `calibration/`.

Labels of time steps are stored in `test.steps.npz`. `data.json` contains only names, texts and labels; the person's own
files stay where they are.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from workers.contracts.translation import _

DATA_FILE = "data.json"
STEPS_FILE = "test.steps.npz"

Kind = Literal["images", "texts", "arrays", "audio"]
Origin = Literal["person", "made"]
Box = tuple[float, float, float, float, int]


@dataclass(frozen=True)
class Item:
    """One item of a data set.

    Attributes:
        source: Name of the item, relative to the root of the data set.
        text: The text, if the item is one; the numbers of a row of a table as written.
        labels: Accepted class numbers; empty if the item has no label.
        target: Reference numbers, for models that predict no classes.
        group: The label as written; items of one group belong together.
        boxes: Labelled boxes (x, y, width, height in shares of the picture, and a class); None without labels.
        mask: File of the class numbers, see `truths.mask_numbers`; "" for none.
        transcript: Reference transcript.
        pairs: Name and rating of each pair of texts that contains this one.
        facts: Measured facts (brightness, …).
        columns: Columns of the person's table.
    """

    source: str
    text: str | None = None
    labels: tuple[int, ...] = ()
    target: tuple[float, ...] = ()
    group: str = ""
    boxes: tuple[Box, ...] | None = None
    mask: str = ""
    transcript: str | None = None
    pairs: tuple[tuple[str, float], ...] = ()
    facts: Mapping[str, float | str] = field(default_factory=dict, compare=False)
    columns: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class DataSet:
    """The contents of `data.json`.

    Attributes:
        kind: Kind of the data.
        origin: "person", or "made" if Fettle generated the inputs.
        root: Path that the sources of the items are relative to.
        classes: Names of the model's classes.
        test: Test items.
        calibration: Calibration items.
        steps: Labels of the time steps (m,) of each test item.
    """

    kind: Kind
    origin: Origin
    root: str | None = None
    classes: tuple[str, ...] | None = None
    test: tuple[Item, ...] = ()
    calibration: tuple[Item, ...] = ()
    steps: tuple[NDArray[np.int64] | None, ...] = field(default=(), compare=False)

    @property
    def labelled(self) -> bool:
        """Return whether at least one test item has a label, or labels for its time steps."""
        return any(item.labels for item in self.test) or any(step is not None for step in self.steps)

    def class_name(self, index: int) -> str:
        """Return the name of a class, or "class" with its number if it has none."""
        if self.classes is not None and 0 <= index < len(self.classes):
            return self.classes[index]
        return _("class {0}").format(index)


def write_dataset(folder: Path, data: DataSet) -> None:
    """Write `data.json` and the labels of time steps.

    Prepared stores and masks, whose names are relative to `folder`, are written separately.
    """
    facts: dict[str, Any] = asdict(data)
    facts.pop("steps")
    if any(step is not None for step in data.steps):
        parts = [np.empty(0, np.int64) if step is None else step for step in data.steps]
        # A sequence without labels has size −1, a sequence without steps has size 0.
        sizes = [-1 if step is None else len(step) for step in data.steps]
        np.savez(folder / STEPS_FILE, labels=np.concatenate(parts), sizes=np.asarray(sizes, np.int64))
    text = json.dumps({"version": 1, **facts}, ensure_ascii=False, indent=1)
    (folder / DATA_FILE).write_text(text, encoding="utf-8")


def read_dataset(folder: Path) -> DataSet:
    """Read what `write_dataset` wrote.

    Raises:
        FileNotFoundError: If a file is missing.
        KeyError: If a field is missing.
        ValueError: If a file or a field is damaged.
    """
    facts = json.loads((folder / DATA_FILE).read_text(encoding="utf-8"))
    test, calibration = (_ITEMS.validate_python(facts[part]) for part in ("test", "calibration"))
    return DataSet(
        kind=facts["kind"],
        origin=facts["origin"],
        root=facts["root"],
        classes=None if facts["classes"] is None else tuple(facts["classes"]),
        test=tuple(replace(item, mask=str(folder / item.mask)) if item.mask else item for item in test),
        calibration=calibration,
        steps=_read_steps(folder / STEPS_FILE),
    )


_ITEMS = TypeAdapter(tuple[Item, ...])


def _read_steps(path: Path) -> tuple[NDArray[np.int64] | None, ...]:
    if not path.is_file():
        return ()
    with np.load(path, allow_pickle=False) as stored:
        labels, sizes = stored["labels"], stored["sizes"]
    parts = np.split(labels, np.cumsum(np.maximum(sizes, 0))[:-1])
    return tuple(None if size < 0 else part for part, size in zip(parts, sizes, strict=True))
