"""Find which added examples are new, and judge them together with the first test set.

An example that is in the test set twice would count twice. An example that a version was tuned with proves nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from operator import gt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.reading import FETTLES_OWN
from workers.contracts.jobs import JudgeParams
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.proof.proving import NOBODYS, FreshResult, ItemsParams, PredictionPair
from workers.evaluate.data.dataset import DataSet, read_dataset
from workers.evaluate.data.store import feeds_digest, is_added
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.predictions import Predictions, load_predictions
from workers.pipeline.prepared import Prepared

STAGE = "Looking for examples that are new"


def find_fresh(params: ItemsParams, ctx: JobContext) -> FreshResult:
    """Return which items of a data folder are in no known test set or calibration set.

    Items are compared by the inputs that the model receives, so that the same picture in another format counts as
    known. Texts that Fettle adds are skipped: the first set holds them as well, and known texts in a row are not new.
    """
    seen: dict[bytes, str] = {}
    for folder in params.known:
        for split in ("test", "calibration"):
            for digest in _digests(Path(folder) / split, ctx):
                seen.setdefault(digest, split)
    fresh: list[int] = []
    known = {"test": 0, "calibration": 0}
    items = read_dataset(Path(params.data_dir)).test
    for number, digest in enumerate(_digests(Path(params.data_dir) / "test", ctx)):
        if is_added(items[number]):
            continue
        if digest in seen:
            known[seen[digest]] += 1
        else:
            fresh.append(number)
    return FreshResult(items=tuple(fresh), in_test=known["test"], in_calibration=known["calibration"])


def _digests(folder: Path, ctx: JobContext) -> Iterator[bytes]:
    items = Prepared(folder)
    return (feeds_digest(items[number]) for number in in_steps(ctx, STAGE, range(len(items)), "items"))


def fingerprints(params: ItemsParams, ctx: JobContext) -> NDArray[np.uint64]:
    """Return the fingerprints of all test items.

    Returns:
        Array (n,) of uint64: the low 64 bits of the digest of each item. Dialogues that Fettle adds to every data set
        get `NOBODYS`.
    """
    items = read_dataset(Path(params.data_dir)).test
    digests = zip(items, _digests(Path(params.data_dir) / "test", ctx), strict=True)
    numbers = [NOBODYS if FETTLES_OWN in item.facts else int.from_bytes(digest[-8:], "big") for item, digest in digests]
    return np.asarray(numbers, np.uint64)


def read_parts(params: JudgeParams) -> tuple[Case, NDArray[np.int64]]:
    """Read all parts that `params` names and join them, see `join`."""
    parts: Sequence[JudgeParams | PredictionPair] = (params, *params.more)
    cases = [read_part(part) for part in parts]
    if len(cases) == 1 and params.items is None:
        return cases[0], np.arange(len(cases[0].data.test))
    return join(cases)


def read_part(part: JudgeParams | PredictionPair) -> Case:
    """Read one part of the test set, with the items that count and that both models predicted."""
    data = read_dataset(Path(part.data_dir))
    if isinstance(part, JudgeParams) and part.split == "calibration":
        data = replace(data, test=data.calibration, calibration=(), steps=())
    old, new = load_predictions(Path(part.original_answers)), load_predictions(Path(part.variant_answers))
    n = min(old.n, new.n, len(data.test))
    items = range(n) if part.items is None else [i for i in part.items if i < n]
    return Case(data, old, new, np.asarray(items, np.int64))


def join(parts: Sequence[Case]) -> tuple[Case, NDArray[np.int64]]:
    """Concatenate the parts, each reduced to the items that count.

    Returns:
        All parts as one test set, and an array (n,) of int64: the index of each item among all items of all parts.
    """
    offsets = np.cumsum([0, *(len(part.data.test) for part in parts)])
    numbers = np.concatenate([part.items + offset for part, offset in zip(parts, offsets[:-1], strict=True)])
    old, new = (
        _join_answers([(part.old, part.items) for part in parts]),
        _join_answers([(part.new, part.items) for part in parts]),
    )
    return Case(_join_data(parts), old, new, np.arange(len(numbers))), numbers


def _join_data(parts: Sequence[Case]) -> DataSet:
    """Concatenate the data sets of the parts.

    Labels of time steps are kept if any part has them. The origin is "made" if Fettle made any of the parts.
    """
    chosen = [(part.data, i) for part in parts for i in part.items.tolist()]
    steps = tuple(data.steps[i] if data.steps else None for data, i in chosen)
    return replace(
        parts[0].data,
        origin="made" if any(part.data.origin == "made" for part in parts) else "person",
        test=tuple(data.test[i] for data, i in chosen),
        steps=steps if any(step is not None for step in steps) else (),
    )


def _join_answers(parts: Sequence[tuple[Predictions, NDArray[np.int64]]]) -> Predictions:
    """Concatenate the predictions of the parts.

    Further outputs are stored for the first items only, so those of the first part are kept as far as they go.
    """
    first, chosen = parts[0]
    predicted = [answers.predicted[items] for answers, items in parts if answers.predicted is not None]
    texts = [answers.texts[i] for answers, items in parts if answers.texts is not None for i in items.tolist()]
    return replace(
        first,
        answer=[answers.answer[i] for answers, items in parts for i in items.tolist()],
        predicted=np.concatenate(predicted) if len(predicted) == len(parts) else None,
        finite=np.concatenate([answers.finite[items] for answers, items in parts]),
        texts=texts if all(answers.texts is not None for answers, _ in parts) else None,
        others={
            name: [values[i] for i in takewhile(partial(gt, len(values)), chosen.tolist())]
            for name, values in first.others.items()
        },
    )
