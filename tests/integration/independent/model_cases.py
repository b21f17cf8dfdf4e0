"""What a workflow through Fettle needs: a real model with its data, its original, and its inputs prepared by hand."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ROOT = Path(os.environ.get("FETTLE_MODELS_DIR", "/nowhere"))
PATIENCE = float(os.environ.get("FETTLE_PATIENCE", "1"))
"""How many times as long each optimization may take: more than 1 for a machine that others use as well."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Raw:
    """One input as a person has it (`argument` is a file, or a text), and as the model wants it, prepared by hand.

    `labels` are the accepted classes, or with a state one label a step (−1 for none); empty without labels.
    """

    argument: str
    feeds: Arrays
    labels: tuple[int, ...] = ()
    is_text: bool = False


@dataclass(frozen=True)
class Source:
    """What a reader gets: the paths of model and data, its own folder, and the output of `fettle inspect`."""

    model: Path
    data: Path
    folder: Path
    inspected: Mapping[str, Any]


def answer_first(outputs: Arrays, feeds: Arrays) -> NDArray[Any]:
    """The only row of the only output."""
    (values,) = outputs.values()
    return np.asarray(values[0])


@dataclass(frozen=True)
class ModelCase:
    """`read` prepares the named examples by hand; `make_data` makes the data of the catalogue's, where they are others.

    `compared` names the comparison: the share of the same classes, masks or texts, the mean cosine, or the share of items
    without an error. `task` is the proof task that has to be recognized.
    `original` is the library that runs it (see `one_side.py`), `links` its states: {input: [output, shape]}.
    `accuracy` is what the original reaches at least where there are labels (of moments, the area under the curve). `then` gives the feeds of a second call.
    `expected_pipeline` is a part of the expected pipeline.json of the bundle. `are_shares`: the classes' scores add up to 1 already.
    """

    name: str
    model: str
    data: str
    original: str
    compared: Literal["class", "embedding", "masks", "moments", "numbers", "texts"]
    read: Callable[[Source, Sequence[str]], list[Raw]]
    answer: Callable[[Arrays, Arrays], NDArray[Any]] = answer_first
    make_data: Callable[[Path, Path, Path], Path] | None = None
    options: tuple[str, ...] = ()
    links: Mapping[str, tuple[str, list[int]]] | None = None
    accuracy: float | None = None
    expected_pipeline: Mapping[str, object] = field(default_factory=dict)
    budget_s: float = 90.0
    are_shares: bool = False
    task: str = ""
    then: Callable[[Arrays, Arrays], Arrays] | None = None
