"""What goes from one part of a model to the next, for each example, in files: it outlives the process and no more of
it is in memory than one example's."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from workers.quantize.weights.graph_parts import Crossing, Part, input_names


class Activations:
    """`folder` has a folder for each result, with a file for each of `count` examples."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self.count = folder, count

    def keep(self, crossing: Crossing, example: int, value: Any) -> None:
        """One result of one example; one that is there already is written anew."""
        place = self._place(crossing)
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{example}.npy", np.asarray(value), allow_pickle=False)

    def feeds(self, part: Part, example: int) -> dict[str, Any]:
        """What the part takes, by the names of its parameters."""
        return {
            name: np.load(self._place(crossing) / f"{example}.npy", allow_pickle=False)
            for crossing, name in input_names(part).items()
        }

    def drop_but(self, needed: Iterable[Crossing]) -> None:
        """Remove what no later part takes."""
        places = {self._place(crossing) for crossing in needed}
        for place in list(self._folder.iterdir()):
            if place not in places:
                shutil.rmtree(place)

    def begin(self, values: Iterable[Mapping[Crossing, Any]]) -> None:
        """What the first parts take, example by example."""
        for example, given in enumerate(values):
            for crossing, value in given.items():
                self.keep(crossing, example, value)

    def _place(self, crossing: Crossing) -> Path:
        name, number = crossing
        return self._folder / f"{quote(name, safe='')}.{number}"
