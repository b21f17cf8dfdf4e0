"""Distribution of the figures in the evaluation data, stored in the bundle and at the head of each log."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pipeline.pipeline import Pipeline
from ..pipeline.spec import TextSteps
from .bins import Expected, expected_of
from .figures import of_answers, of_inputs

FOLDER, FILE = "monitor", "reference.json"
VERSION = 1
MOST_COMMON = 1000
"""Number of the most frequent tokens of the evaluation data that count as common."""
MOST_CLASSES, MOST_STATISTICS, MOST_EDGES, MOST_ITEMS = 100_000, 64, 256, 10**9
MOST_NAMES, MOST_NAME_CHARS = 1000, 60


class NotAReference(ValueError):
    """Error: an implausible description of the evaluation data."""


@dataclass(frozen=True)
class Reference:
    """Description of the evaluation data of one bundle.

    Attributes:
        statistics: Distribution of each figure by name.
        classes: Number of predictions of each class, by class number.
        names: Names of the classes.
        common: Frequent tokens of texts.
    """

    statistics: Mapping[str, Expected] = field(default_factory=dict)
    classes: Mapping[int, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    common: frozenset[int] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return the description as it is written."""
        return {
            "version": VERSION,
            "statistics": {name: vars(one) for name, one in self.statistics.items()},
            "classes": {str(number): count for number, count in sorted(self.classes.items())},
            "names": list(self.names),
            "common": sorted(self.common),
        }


def parse(document: Any) -> Reference:
    """Return the description that `to_json` wrote.

    Raises:
        NotAReference: The document cannot come from `to_json`.
    """
    try:
        if document["version"] != VERSION or len(document["statistics"]) > MOST_STATISTICS:
            raise NotAReference("it is of another version")
        statistics = {str(name)[:40]: _expected(one) for name, one in document["statistics"].items()}
        classes = {int(number): whole(count) for number, count in document["classes"].items()}
        names = tuple(str(name)[:MOST_NAME_CHARS] for name in document["names"][:MOST_NAMES])
        common = frozenset(whole(one) for one in document["common"][: 2 * MOST_COMMON])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise NotAReference(f"it is no description of evaluation data ({type(error).__name__})") from error
    if len(classes) > MOST_CLASSES or any(not 0 <= number < MOST_CLASSES for number in classes):
        raise NotAReference("it names too many classes")
    return Reference(statistics, classes, names, common)


def _expected(one: Any) -> Expected:
    edges = tuple(float(edge) for edge in one["edges"])
    counts = tuple(whole(count) for count in one["counts"])
    mean = None if one["mean"] is None else float(one["mean"])
    if not 1 <= len(edges) <= MOST_EDGES or len(counts) != len(edges) + 1 or not all(map(math.isfinite, edges)):
        raise NotAReference("its histograms do not fit together")
    if any(after <= before for before, after in pairwise(edges)):
        raise NotAReference("edges of a histogram do not rise")
    return Expected(edges, counts, None if mean is None or not math.isfinite(mean) else mean)


def whole(count: Any, most: int = MOST_ITEMS) -> int:
    """Return a number of items from 0 to `most`.

    Raises:
        NotAReference: `count` is anything else.
    """
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= most:
        raise NotAReference(f"{str(count)[:20]!r} is no number of items")
    return count


def reference_of(
    pipeline: Pipeline, samples: Iterable[tuple[Mapping[str, NDArray[Any]], Any]], common: frozenset[int]
) -> Reference:
    """Describe evaluation data, given as (feeds, prediction) of each item, with `common_tokens`' result."""
    figures: dict[str, list[float]] = {}
    classes: Counter[int] = Counter()
    for feeds, prediction in samples:
        of_prediction, numbers = of_answers(pipeline, prediction)
        for name, values in {**of_inputs(pipeline, feeds, common), **of_prediction}.items():
            figures.setdefault(name, []).extend(float(value) for value in values)
        if numbers is not None:
            classes.update(int(number) for number in numbers if number >= 0)
    expected = {name: expected_of(np.asarray(values)) for name, values in figures.items()}
    names = tuple(str(name)[:MOST_NAME_CHARS] for name in (pipeline.spec.classes or ())[:MOST_NAMES])
    return Reference({name: one for name, one in expected.items() if one is not None}, dict(classes), names, common)


def common_tokens(pipeline: Pipeline, samples: Iterable[Mapping[str, NDArray[Any]]]) -> frozenset[int]:
    """Return the most frequent tokens of the evaluation data; empty for models that take no texts."""
    if not isinstance(pipeline.spec.preprocess, TextSteps):
        return frozenset()
    counted: Counter[int] = Counter()
    for feeds in samples:
        counted.update(np.asarray(feeds[pipeline.main_input.name]).ravel().tolist())
    return frozenset(number for number, _ in counted.most_common(MOST_COMMON))


def read_reference(bundle: Path) -> Reference:
    """Return the description in a bundle's folder; an empty one if it has none.

    Raises:
        NotAReference: The description is damaged.
    """
    path = bundle / FOLDER / FILE
    if not path.is_file():
        return Reference()
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise NotAReference(f"{path.name} cannot be read") from error


def bundle_id(bundle: Path) -> str:
    """Return the bundle's id: twelve characters of its manifest's hash, as the service reports them."""
    return hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()[:12]
