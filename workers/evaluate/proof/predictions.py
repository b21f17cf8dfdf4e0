"""Collect the predictions of one model for the test items, and store them in `answers.npz`.

`answer` is float32 (for masks uint8 or uint16) of shape (n, …). If shapes differ between items, it holds all values in
one row, with `answer_offsets` (n + 1,). `predicted` (n,) int64 exists for classes; it is −1 where the prediction is not
a finite number. Every further float output that is not a state is stored as `other_0`, `other_1`, … for the first items
(as many as fit into a memory limit), unless the prediction was made from outputs (boxes). `gallery` holds the vectors
of calibration items, in which those of an embedding are searched. `meta` is JSON: the kind of prediction, the names of
the further outputs, and the decoded texts.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused, JobCancelled, WorkerError
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.evaluate.proof.passages import Passages
from workers.infer.base import Session
from workers.pipeline.answers import one_item
from workers.pipeline.batches import group_size
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import BoxesSteps, TextSteps

ANSWERS_FILE = "answers.npz"
STAGE = "Comparing answers"
ANSWER_BYTES = 256 << 20
OTHER_BYTES = 64 << 20
FAILED_HINT = mark("Check that the data and the preprocessing fit the model, or try another runtime.")
GALLERY_ITEMS = 200
GALLERY_TIME = 0.25
"""The gallery may take at most this share of the time for predictions."""

Values = NDArray[Any]
"""Values of one item: float32, for masks uint8 or uint16."""

FACTS = ("answer_kind", "scores", "stateful", "decoded", "score_threshold", "seconds")
"""Fields of `Predictions` that are stored in `meta` as they are; older files lack some of them."""

Stopped = Literal["", "time", "memory"]


Items = Prepared | Passages
"""Inputs of all items, in their order."""


@dataclass(frozen=True)
class Predictions:
    """Predictions of one model, as `answers.npz` holds them.

    Attributes:
        answer: `answer[i]` are the predicted values of item i.
        predicted: Class of each item (n,), for classes only.
        finite: Whether all values of each item are finite (n,).
        others: `others[name][i]` are the values of a further output for item i.
        answer_kind: Kind of prediction, for example "class".
        scores: Kind of scores, for example "probabilities".
        stateful: Whether the model carries a state from step to step.
        stopped: Why not all items were predicted. Not stored in the file.
        decoded: Whether outputs were decoded. For a detector, each item then holds boxes (k, 6).
        score_threshold: Boxes with at least this score are confident.
        texts: Decoded texts, if predictions are texts.
        gallery: An embedder's vectors of calibration items.
        ends: Tokens that end an answer of a chat model.
        seconds: Time that all predictions took.
        read_share: Share of the input values that these items hold. Not stored in the file.
    """

    answer: Sequence[Values]
    predicted: NDArray[np.int64] | None
    finite: NDArray[np.bool_]
    others: Mapping[str, Sequence[Values]]
    answer_kind: str
    scores: str
    stateful: bool
    stopped: Stopped = ""
    decoded: bool = False
    score_threshold: float = 0.25
    texts: Sequence[str] | None = None
    gallery: Sequence[Values] = ()
    ends: tuple[int, ...] = ()
    seconds: float = 0.0
    read_share: float = 1.0

    @property
    def n(self) -> int:
        """Return the number of predicted items."""
        return len(self.finite)


def collect_predictions(
    pipeline: Pipeline, session: Session, items: Items, ctx: JobContext, max_seconds: float | None = None,
    gallery: Prepared | None = None, most: int | None = None, earlier: Predictions | None = None,
) -> Predictions:  # fmt: skip
    """Run every item separately, a stateful model over its whole sequence, and return the predictions.

    Collection stops after `max_seconds`, or if the predictions need more than 256 MiB; at least ten items are
    predicted.

    Args:
        pipeline: Pipeline of the model.
        session: The loaded model.
        items: Inputs of the items.
        ctx: Context of the job.
        max_seconds: Time limit; None for no limit.
        gallery: Calibration items, of which an embedder predicts up to 200 as well.
        most: Only the first `most` items are predicted.
        earlier: Predictions of the same model for the first items, from a shorter time limit. The items that follow are
            predicted, and the time of the earlier ones counts.

    Raises:
        InputRefused: If the model fails at an item.
    """
    searched = _gallery(pipeline, session, gallery, ctx, max_seconds)
    answer: list[Values] = list(earlier.answer) if earlier else []
    others = {name: list(values) for name, values in earlier.others.items()} if earlier else {}
    finite: list[bool] = earlier.finite.tolist() if earlier else []
    # Bytes by output name; "" stands for the prediction.
    sizes = Counter({name: sum(values.nbytes for values in rows) for name, rows in (("", answer), *others.items())})
    count = min(len(items), len(items) if most is None else most)
    stopped: Stopped = ""
    started = time.monotonic() - (earlier.seconds if earlier else 0.0)
    requests = answered(pipeline, session, items, len(finite), count)
    for number in range(len(finite), count):
        ctx.check_cancelled()
        elapsed_s = time.monotonic() - started
        ctx.progress(STAGE, number, _in_time(count, number, elapsed_s, max_seconds), "items")
        late = max_seconds is not None and elapsed_s > max_seconds
        if number >= 10 and (late or sizes[""] > ANSWER_BYTES):
            stopped = "time" if late else "memory"
            ctx.log(f"Stopped after {number:,} of {count:,} items: no more {stopped} for answers.")
            break
        feeds, outputs = next(requests)
        values = one_item(np.asarray(pipeline.answer_of(outputs, feeds), np.float32), feeds, pipeline.spec)
        finite.append(bool(np.isfinite(values).all()))
        answer.append(_compact(values) if pipeline.spec.answer_kind == "mask" else values)
        sizes[""] += answer[-1].nbytes
        _store_others(others, sizes, outputs, feeds, pipeline)
    ctx.progress(STAGE, count, count, "items")
    found = predictions_of(pipeline, answer, others, np.asarray(finite, dtype=np.bool_))
    seconds, share = time.monotonic() - started, _share_read(items, len(finite), count)
    return replace(found, stopped=stopped, gallery=searched, seconds=seconds, read_share=share)


def _share_read(items: Items, n: int, count: int) -> float:
    """Return which share of all input values of the first `count` items the first `n` of them hold."""
    if n >= count:
        return 1.0
    sizes = [sum(value.size for value in items[at].values()) for at in range(count)]
    return sum(sizes[:n]) / max(1, sum(sizes))


def _in_time(count: int, done: int, elapsed_s: float, max_seconds: float | None) -> int:
    """Estimate how many of `count` items can be predicted in the time, from the first `done` of them."""
    if max_seconds is None or not done or elapsed_s <= 0:
        return count
    return min(count, max(done + 1, int(done * max_seconds / elapsed_s)))


def _gallery(
    pipeline: Pipeline, session: Session, items: Prepared | None, ctx: JobContext, max_seconds: float | None
) -> list[Values]:
    if items is None or pipeline.spec.answer_kind != "embedding":
        return []
    found: list[Values] = []
    started = time.monotonic()
    for feeds, outputs in answered(pipeline, session, items, 0, len(items)):
        late = max_seconds is not None and time.monotonic() - started > max_seconds * GALLERY_TIME
        if len(found) == GALLERY_ITEMS or late:
            break
        ctx.check_cancelled()
        found.append(one_item(np.asarray(pipeline.answer_of(outputs, feeds), np.float32), feeds, pipeline.spec))
    return found


def answered(
    pipeline: Pipeline, session: Session, items: Items | Sequence[Arrays], first: int, end: int
) -> Iterator[tuple[dict[str, NDArray[Any]], Mapping[str, NDArray[Any]]]]:
    """Yield each item from `first` to `end` with the model's outputs.

    A model with a fixed batch size gets as many items at once as it takes. The pipeline pads the last batch and drops
    the outputs of the padding.
    """
    size = group_size(pipeline.spec)
    for start in range(first, end, size):
        # Copied because some runtimes reject the read-only arrays of a memory map.
        stop = min(start + size, end)
        group = [{name: np.array(value) for name, value in items[at].items()} for at in range(start, stop)]
        with model_failures(
            "The model failed at an input", FAILED_HINT, _("Item {0:,} of the test set stopped it: {1}."), start + 1
        ):
            outputs = pipeline.run(session, group[0] if size == 1 else pipeline.batch(group))
        if size == 1:
            yield group[0], outputs
            continue
        for row, feeds in enumerate(group):
            yield feeds, {name: np.asarray(value)[row : row + 1] for name, value in outputs.items()}


@contextmanager
def model_failures(title: str, hint: str, stopped: str = "", *facts: object) -> Iterator[None]:
    """Turn the errors of a runtime, which raises its own types, into `InputRefused`.

    `stopped` is the template of its detail for `facts` and the runtime's own words.
    """
    try:
        yield
    except (WorkerError, JobCancelled, MemoryError):
        raise
    except Exception as error:  # Every runtime raises its own errors.
        raise model_failed(error, title, hint, stopped, *facts) from error


def model_failed(error: Exception, title: str, hint: str, stopped: str = "", *facts: object) -> InputRefused:
    """Return the refusal for an error of a runtime, with the end of its own words."""
    reason = " ".join(str(error).split())[-400:].rstrip(".") or type(error).__name__
    return InputRefused("run_failed", title, (stopped or _("It stopped with: {0}.")).format(*facts, reason), hint)


def _compact(mask: Values) -> NDArray[Any]:
    """Return class numbers in the smallest integer type; NaN becomes 0, which `Predictions.finite` records."""
    numbers = np.nan_to_num(mask, nan=0.0)
    return numbers.astype(np.uint8 if numbers.max(initial=0) < 256 else np.uint16)


def _store_others(
    others: dict[str, list[Values]], sizes: Counter[str], outputs: Mapping[str, Values], feeds: Arrays,
    pipeline: Pipeline,
) -> None:  # fmt: skip
    """Append the values of all further float outputs, which are compared as well, up to the limit of their size.

    States are skipped, because their changes show in the steps that follow. Outputs that the prediction is made from
    are skipped too.
    """
    steps = pipeline.spec.postprocess
    known = {*(pipeline.spec.links or {}).values(), *(steps.outputs if steps is not None else ())}
    for output in pipeline.spec.outputs:
        values = outputs.get(output.name)
        if output.answer or output.name in known or values is None or np.asarray(values).dtype.kind != "f":
            continue
        kept = others.setdefault(output.name, [])
        if sizes[output.name] < OTHER_BYTES // max(len(pipeline.spec.outputs) - 1, 1):
            kept.append(one_item(np.asarray(values, np.float32), feeds, pipeline.spec))
            sizes[output.name] += kept[-1].nbytes


def predictions_of(
    pipeline: Pipeline, answer: Sequence[Values], others: Mapping[str, Sequence[Values]], finite: NDArray[np.bool_]
) -> Predictions:
    """Return the predictions of items whose decoded values, further outputs and finiteness (n,) are known."""
    spec, steps = pipeline.spec, pipeline.spec.postprocess
    return Predictions(
        answer=answer,
        predicted=predict(answer, finite, spec.answer_kind, spec.scores, pipeline.stateful),
        finite=finite,
        others=others,
        answer_kind=spec.answer_kind,
        scores=spec.scores,
        stateful=pipeline.stateful,
        texts=_texts(pipeline, answer),
        ends=spec.chat.ends if spec.chat is not None and spec.chat.template is not None else (),
        decoded=steps is not None,
        score_threshold=steps.score_threshold if isinstance(steps, BoxesSteps) else Predictions.score_threshold,
    )


def _texts(pipeline: Pipeline, answer: Sequence[Values]) -> list[str] | None:
    """Return the decoded texts of generated tokens or characters.

    Returns None if predictions are not texts, or if there is no tokenizer.
    """
    kind = pipeline.spec.answer_kind
    if kind != "transcript" and not (kind == "tokens" and isinstance(pipeline.spec.preprocess, TextSteps)):
        return None
    return [pipeline.text_of(row) if np.isfinite(row).all() else "" for row in answer]


def predict(
    answer: Sequence[Values], finite: NDArray[np.bool_], answer_kind: str, scores: str, stateful: bool
) -> NDArray[np.int64] | None:
    """Return the class of each item, −1 where it is not finite; None if predictions are not classes of whole items."""
    if answer_kind not in ("class", "score") or stateful or any(part.ndim > 1 for part in answer):
        return None
    threshold = 0.5 if scores == "probabilities" else 0.0
    classes = [
        int(part.reshape(-1)[0] > threshold) if part.size == 1 else int(np.argmax(part)) if part.size else -1
        for part in answer
    ]
    return np.where(finite, np.asarray(classes, dtype=np.int64), -1)


def save_predictions(path: Path, answers: Predictions) -> None:
    """Write `answers.npz`."""
    arrays: dict[str, NDArray[Any]] = {**stored_values("answer", answers.answer), "finite": answers.finite}
    if answers.predicted is not None:
        arrays["predicted"] = answers.predicted
    for number, parts in enumerate(answers.others.values()):
        arrays |= stored_values(f"other_{number}", parts)
    if answers.gallery:
        arrays |= stored_values("gallery", answers.gallery)
    meta = {
        **{name: getattr(answers, name) for name in FACTS}, "version": 1, "others": list(answers.others),
        "texts": None if answers.texts is None else list(answers.texts), "ends": list(answers.ends),
    }  # fmt: skip
    np.savez(path, allow_pickle=False, meta=np.asarray(json.dumps(meta)), **arrays)


def stored_values(name: str, parts: Sequence[Values]) -> dict[str, NDArray[Any]]:
    """Return the arrays that store the values of all items under `name`, with offsets if shapes differ."""
    if len({part.shape for part in parts}) <= 1:
        return {name: np.stack(parts) if parts else np.empty(0, np.float32)}
    offsets = np.cumsum([0, *(part.size for part in parts)], dtype=np.int64)
    stored = {name: np.concatenate([part.ravel() for part in parts]), f"{name}_offsets": offsets}
    widths = {part.shape[-1] if part.ndim == 2 else 0 for part in parts}
    return stored if widths == {0} or len(widths) > 1 else {**stored, f"{name}_width": np.asarray(widths.pop())}


def load_predictions(path: Path) -> Predictions:
    """Read what `save_predictions` wrote, without unpickling anything."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    meta = json.loads(str(arrays["meta"]))
    return Predictions(
        answer=_values_of(arrays, "answer"),
        predicted=arrays.get("predicted"),
        finite=arrays["finite"],
        others={name: _values_of(arrays, f"other_{i}") for i, name in enumerate(meta["others"])},
        texts=meta.get("texts"),
        ends=tuple(meta.get("ends", ())),
        gallery=_values_of(arrays, "gallery") if "gallery" in arrays else (),
        **{name: meta[name] for name in FACTS if name in meta},
    )


def _values_of(arrays: Mapping[str, NDArray[Any]], name: str) -> Sequence[Values]:
    """Return the values of each item that `stored_values` stored under `name`."""
    values, offsets = arrays[name], arrays.get(f"{name}_offsets")
    if offsets is None:
        return list(values)
    width = arrays.get(f"{name}_width")
    return [part if width is None else part.reshape(-1, int(width)) for part in np.split(values, offsets[1:-1])]
