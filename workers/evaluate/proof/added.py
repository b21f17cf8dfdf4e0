"""Find which added examples are new, and judge them together with the first test set.

An example that is in the test set twice would count twice. An example that a version was tuned with proves nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.contracts.jobs import JudgeParams
from workers.contracts.process.context import JobContext
from workers.contracts.proof.proving import NOBODYS, FingerprintsParams, FreshParams, FreshResult
from workers.evaluate.data.answered import FETTLES_OWN
from workers.evaluate.data.dataset import DataSet, read_dataset
from workers.evaluate.data.store import feeds_digest, is_added
from workers.evaluate.proof.predictions import Answers, Values, load_answers
from workers.pipeline.prepared import Prepared

STAGE = "Looking for examples that are new"


def find_fresh(params: FreshParams, ctx: JobContext) -> FreshResult:
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
    for number, feeds in enumerate(items):
        ctx.check_cancelled()
        ctx.progress(STAGE, number, len(items), "items")
        yield feeds_digest(feeds)


def fingerprints(params: FingerprintsParams, ctx: JobContext) -> NDArray[np.uint64]:
    """Return the fingerprints of all test items.

    Returns:
        Array (n,) of uint64: the low 64 bits of the digest of each item. Dialogues that Fettle adds to every data set
        get `NOBODYS`.
    """
    items = read_dataset(Path(params.data_dir)).test
    digests = zip(items, _digests(Path(params.data_dir) / "test", ctx), strict=True)
    found = [NOBODYS if FETTLES_OWN in item.facts else int.from_bytes(digest[-8:], "big") for item, digest in digests]
    return np.asarray(found, np.uint64)


@dataclass(frozen=True)
class Joined:
    """One test set that was joined from several parts, with the predictions of both models.

    Attributes:
        data: The joined data set.
        old: Predictions of the original.
        new: Predictions of the version.
        numbers: Array (n,) of int64. `numbers[i]` is the index of item i among all items of all parts.
    """

    data: DataSet
    old: Answers
    new: Answers
    numbers: NDArray[np.int64]


@dataclass(frozen=True)
class AddedPredictions:
    """Test items of one data folder with the predictions of both models.

    Attributes:
        data: The data set of the folder.
        old: Predictions of the original.
        new: Predictions of the version.
        items: Numbers of the items that count; None for all.
    """

    data: DataSet
    old: Answers
    new: Answers
    items: Sequence[int] | None

    @property
    def chosen(self) -> NDArray[np.int64]:
        """Return the numbers (k,) of the items that count and that both models predicted."""
        answered = min(self.old.n, self.new.n, len(self.data.test))
        wanted = range(answered) if self.items is None else [i for i in self.items if i < answered]
        return np.asarray(wanted, dtype=np.int64)


def read_parts(params: JudgeParams) -> Joined:
    """Read all parts that `params` names and return them as one test set with the predictions of both models."""
    data = read_dataset(Path(params.data_dir))
    if params.split == "calibration":
        data = replace(data, test=data.calibration, calibration=(), steps=())
    first = AddedPredictions(
        data,
        load_answers(Path(params.original_answers)),
        load_answers(Path(params.variant_answers)),
        params.items,
    )
    if not params.more and params.items is None:
        return Joined(first.data, first.old, first.new, np.arange(len(first.data.test)))
    more = [
        AddedPredictions(
            read_dataset(Path(part.data_dir)),
            load_answers(Path(part.original_answers)),
            load_answers(Path(part.variant_answers)),
            part.items,
        )
        for part in params.more
    ]
    return join([first, *more])


def join(parts: Sequence[AddedPredictions]) -> Joined:
    """Concatenate the parts, each reduced to the items that count."""
    offsets = np.cumsum([0, *(len(part.data.test) for part in parts)])
    numbers = [part.chosen + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    return Joined(
        _join_data(parts),
        _join_answers([(part.old, part.chosen) for part in parts]),
        _join_answers([(part.new, part.chosen) for part in parts]),
        np.concatenate(numbers),
    )


def _join_data(parts: Sequence[AddedPredictions]) -> DataSet:
    """Concatenate the data sets of the parts.

    Labels of time steps are kept if any part has them. The origin is "made" if Fettle made any of the parts.
    """
    steps = tuple(part.data.steps[i] if part.data.steps else None for part in parts for i in part.chosen.tolist())
    return replace(
        parts[0].data,
        origin="made" if any(part.data.origin == "made" for part in parts) else "person",
        test=tuple(part.data.test[i] for part in parts for i in part.chosen.tolist()),
        steps=steps if any(step is not None for step in steps) else (),
    )


def _join_answers(parts: Sequence[tuple[Answers, NDArray[np.int64]]]) -> Answers:
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
        others={name: _kept(values, chosen) for name, values in first.others.items()},
    )


def _kept(values: Sequence[Values], items: NDArray[np.int64]) -> list[Values]:
    kept: list[Values] = []
    for item in items.tolist():
        if item >= len(values):
            break
        kept.append(values[item])
    return kept
