"""Store prepared model inputs on disk: ragged arrays, written as a stream, read through memory maps.

Each input has one data file (raw elements, one item after the other) beside its offsets and shapes. 100,000 small items
and 200 large ones therefore need the same few files. Nothing is ever pickled.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Feeds = dict[str, NDArray[Any]]

INDEX_FILE = "index.json"


@dataclass
class _Column:
    """One input while it is written."""

    name: str
    dtype: np.dtype[Any]
    ndim: int
    stem: str
    file: BinaryIO
    offsets: array[int] = field(default_factory=lambda: array("q", [0]))
    shapes: array[int] = field(default_factory=lambda: array("q"))

    def append(self, value: NDArray[Any]) -> None:
        if value.dtype != self.dtype or value.ndim != self.ndim:
            raise ValueError(
                f"{self.name!r} is {value.dtype} with {value.ndim} axes after {self.dtype} with {self.ndim}"
            )
        # the buffer of an array of size 0 cannot be cast, and there is nothing to write
        if value.size:
            self.file.write(np.ascontiguousarray(value).data.cast("B"))
        self.offsets.append(self.offsets[-1] + value.size)
        self.shapes.extend(value.shape)


def write_prepared(folder: Path, items: Iterable[Mapping[str, NDArray[Any]]]) -> int:
    """Write `items` one by one into `folder`, which must be new or empty, and return their number.

    Every item has the same names, and under each name the same dtype and number of axes; sizes are free.

    Raises:
        ValueError: Items differ, or arrays hold objects or text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns: dict[str, _Column] = {}
    count = 0
    with ExitStack() as files:
        for item in items:
            if not columns:
                columns = _start(folder, item, files)
            if item.keys() != columns.keys():
                raise ValueError(f"item {count} has inputs {sorted(item)} where others have {sorted(columns)}")
            for name, value in item.items():
                columns[name].append(np.asarray(value))
            count += 1
    for column in columns.values():
        np.save(folder / f"{column.stem}.offsets.npy", np.frombuffer(column.offsets, dtype=np.int64))
        shapes = np.frombuffer(column.shapes, dtype=np.int64) if column.shapes else np.empty(0, np.int64)
        np.save(folder / f"{column.stem}.shapes.npy", shapes.reshape(count, column.ndim))
    index = {
        "count": count,
        "inputs": [{"name": c.name, "dtype": c.dtype.str, "stem": c.stem} for c in columns.values()],
    }
    (folder / INDEX_FILE).write_text(json.dumps(index), encoding="utf-8")
    return count


def _start(folder: Path, first: Mapping[str, NDArray[Any]], files: ExitStack) -> dict[str, _Column]:
    """Open one data file for each input of the first item."""
    columns = {}
    for number, (name, value) in enumerate(first.items()):
        dtype = np.asarray(value).dtype
        if dtype.kind not in "biufc":
            raise ValueError(f"{name!r} holds {dtype}, and only numbers and booleans can be kept")
        stem = f"input{number}"
        file = files.enter_context((folder / f"{stem}.bin").open("wb"))
        columns[name] = _Column(name, dtype, np.asarray(value).ndim, stem, file)
    return columns


class Prepared:
    """Items that `write_prepared` wrote: `len()`, `[i]` → {input name: read-only array}, iteration.

    Arrays are views into memory maps with the original dtype and shape; data are read on use.
    """

    def __init__(self, folder: Path | str) -> None:
        """Open the items in `folder`."""
        folder = Path(folder)
        index = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
        self._count = int(index["count"])
        self._columns: dict[str, tuple[NDArray[Any], list[int], list[tuple[int, ...]]]] = {}
        for entry in index["inputs"]:
            offsets = np.load(folder / f"{entry['stem']}.offsets.npy", allow_pickle=False).tolist()
            shapes = np.load(folder / f"{entry['stem']}.shapes.npy", allow_pickle=False).tolist()
            data = _map(folder / f"{entry['stem']}.bin", np.dtype(entry["dtype"]), offsets[-1])
            self._columns[entry["name"]] = (data, offsets, [tuple(shape) for shape in shapes])

    @property
    def names(self) -> tuple[str, ...]:
        """Return the model inputs that every item has."""
        return tuple(self._columns)

    def __len__(self) -> int:
        """Return the number of items."""
        return self._count

    def __getitem__(self, index: int) -> Feeds:
        """Return one item as {input name: read-only array}."""
        if not -self._count <= index < self._count:
            raise IndexError(index)
        i = index % self._count
        return {
            name: data[offsets[i] : offsets[i + 1]].reshape(shapes[i])
            for name, (data, offsets, shapes) in self._columns.items()
        }

    def __iter__(self) -> Iterator[Feeds]:
        """Iterate over the items in their stored order."""
        return (self[i] for i in range(self._count))


def _map(path: Path, dtype: np.dtype[Any], size: int) -> NDArray[Any]:
    """Return the file as one flat read-only array; an empty file cannot be mapped and gives an empty array."""
    if size == 0:
        return np.empty(0, dtype)
    return np.memmap(path, dtype=dtype, mode="r", shape=(size,)).view(np.ndarray)
