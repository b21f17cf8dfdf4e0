"""Store the values between parts of a model in files, one for each example.

The files outlive the process, and memory holds the values of one example at a time.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from workers.quantize.weights.graph_parts import Crossing, GraphPart, input_names


class Activations:
    """Values between parts; `folder` has one folder per value, with one file for each of `count` examples."""

    def __init__(self, folder: Path, count: int) -> None:
        """Use `folder` for the values of `count` examples."""
        self._folder, self.count = folder, count

    def save(self, crossing: Crossing, example: int, value: Any) -> None:
        """Save one value of one example, replacing an existing one."""
        place = self._place(crossing)
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{example}.npy", np.asarray(value), allow_pickle=False)

    def feeds(self, part: GraphPart, example: int) -> dict[str, Any]:
        """Return the inputs of a part for one example, by the names of its parameters."""
        return {
            name: np.load(self._place(crossing) / f"{example}.npy", allow_pickle=False)
            for crossing, name in input_names(part).items()
        }

    def drop_but(self, needed: Iterable[Crossing]) -> None:
        """Delete all values that no later part reads."""
        places = {self._place(crossing) for crossing in needed}
        for place in list(self._folder.iterdir()):
            if place not in places:
                shutil.rmtree(place)

    def begin(self, values: Iterable[Mapping[Crossing, Any]]) -> None:
        """Save the inputs of the first parts, one mapping per example."""
        for example, given in enumerate(values):
            for crossing, value in given.items():
                self.save(crossing, example, value)

    def _place(self, crossing: Crossing) -> Path:
        name, number = crossing
        return self._folder / f"{quote(name, safe='')}.{number}"
