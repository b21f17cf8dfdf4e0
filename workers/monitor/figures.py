"""Compute simple figures of a request's prepared inputs and predictions, but never log the input itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pipeline.answers import probabilities
from ..pipeline.pipeline import Pipeline
from ..pipeline.spec import AudioSteps, BoxesSteps, ImageSteps, TextSteps

Figures = dict[str, NDArray[np.float64]]
"""One number per item, by name."""

MOST_ROWS = 64
"""Number of picture rows that are read: their mean differs from that of all rows by less than 0.01."""

QUIET_DB, FLOOR_DB = -50.0, -120.0
"""Level below which a sound counts as silent, and lowest level, so that silence has a finite one."""
CHUNK = 400
"""Samples per level value: 25 ms at 16 kHz."""


def of_inputs(pipeline: Pipeline, feeds: Mapping[str, NDArray[Any]], common: frozenset[int] = frozenset()) -> Figures:
    """Return figures of the main input of `feeds`, one per item; `common` are frequent tokens of texts."""
    steps, values = pipeline.spec.preprocess, np.asarray(feeds[pipeline.main_input.name])
    if isinstance(steps, ImageSteps):
        return of_pictures(values, steps, any(size is None for size in pipeline.main_input.shape[1:]))
    if isinstance(steps, TextSteps):
        mask = next((feeds[one.name] for one in pipeline.spec.inputs if one.source == "attention_mask"), None)
        return of_texts(values, mask, pipeline.unknown_id, common)
    if isinstance(steps, AudioSteps):
        return of_sounds(values, steps)
    return of_numbers(_rows(values))


def of_numbers(rows: NDArray[np.float64]) -> Figures:
    """Return figures of numbers (n, k): mean and standard deviation of finite ones, and the share of others."""
    finite = np.isfinite(rows)
    count = np.maximum(finite.sum(axis=1), 1)
    with np.errstate(all="ignore"):
        mean = np.where(finite, rows, 0.0).sum(axis=1) / count
        spread = np.sqrt((np.where(finite, rows - mean[:, None], 0.0) ** 2).sum(axis=1) / count)
    return {"mean": mean, "spread": spread, "missing": (~finite).mean(axis=1) if rows.size else np.zeros(len(rows))}


def of_pictures(values: NDArray[Any], steps: ImageSteps, any_size: bool) -> Figures:
    """Return figures of prepared pictures (n, C, H, W) or (n, H, W, C).

    The figures are brightness and contrast (mean and standard deviation of the gray value 0..1), detail (mean
    difference between neighboring pixels), color (mean distance of the channels), and pixels.
    """
    channels_last = steps.pixels or steps.layout == "nhwc"
    if values.ndim != 4:
        return {}
    planes = values if channels_last else values.transpose(0, 2, 3, 1)
    _, height, width, channels = planes.shape
    planes = planes[:, :: max(1, height // MOST_ROWS)].astype(np.float32)
    if not steps.pixels:
        planes = planes * np.asarray(steps.std, np.float32) + np.asarray(steps.mean, np.float32)
    if steps.pixels or steps.range != "0..1":
        planes = planes / np.float32(255)
    gray = planes.mean(axis=3, dtype=np.float32)
    found = {
        "brightness": gray.mean(axis=(1, 2)),
        "contrast": gray.std(axis=(1, 2)),
        "detail": np.abs(np.diff(gray, axis=2)).mean(axis=(1, 2)) if width > 1 else np.zeros(len(gray)),
    }
    if channels > 1:
        found["color"] = (planes.max(axis=3) - planes.min(axis=3)).mean(axis=(1, 2))
    if any_size:
        found["pixels"] = np.full(len(gray), height * width)
    return {name: np.asarray(figure, np.float64) for name, figure in found.items()}


def of_texts(
    ids: NDArray[Any], mask: NDArray[Any] | None, unknown: int | None, common: frozenset[int] = frozenset()
) -> Figures:
    """Return figures of tokens (n, length): their number, and the shares of unknown and of rare ones.

    Rare tokens are those not in `common`; unknown ones have the id `unknown`.
    """
    counts = np.ones(ids.shape, np.bool_) if mask is None else np.asarray(mask).astype(np.bool_)
    length = np.maximum(counts.sum(axis=1), 1)
    found = {"tokens": counts.sum(axis=1)}
    if unknown is not None:
        found["unknown"] = ((ids == unknown) & counts).sum(axis=1) / length
    if common:
        is_common = np.isin(ids, np.fromiter(common, np.int64, len(common)))
        found["rare"] = (~is_common & counts).sum(axis=1) / length
    return {name: np.asarray(figure, np.float64) for name, figure in found.items()}


def of_sounds(values: NDArray[Any], steps: AudioSteps) -> Figures:
    """Return figures of samples: level in dB below full scale, quiet share, seconds, sign changes per sample.

    Frames (rows) of one sound form one item; without frames each row is an item.
    """
    samples = values.astype(np.float64) / (steps.scale or 1.0)
    flat = samples.reshape(1, -1) if steps.frame_samples else _rows(samples)
    if not flat.size:
        return {}
    cut = flat[:, : flat.shape[1] // CHUNK * CHUNK] if flat.shape[1] >= CHUNK else flat
    chunks = cut.reshape(len(flat), -1, min(CHUNK, cut.shape[1]))
    levels = 10 * np.log10(np.maximum((chunks**2).mean(axis=2), 10 ** (FLOOR_DB / 10)))
    signs = np.signbit(flat)
    return {
        "level_db": 10 * np.log10(np.maximum((flat**2).mean(axis=1), 10 ** (FLOOR_DB / 10))),
        "silence": (levels < QUIET_DB).mean(axis=1),
        "sound_s": np.full(len(flat), flat.shape[1] / steps.sample_rate_hz),
        "crossings": (signs[:, 1:] != signs[:, :-1]).mean(axis=1) if flat.shape[1] > 1 else np.zeros(len(flat)),
    }


def of_answers(pipeline: Pipeline, answer: Any) -> tuple[Figures, NDArray[np.int64] | None]:
    """Return figures of `Pipeline.answer`'s result, one per item, and the predicted classes (n,) int64 or None.

    Energy is −log Σ exp(logit) (Liu et al., arXiv 2010.03759); scores that are not logits have no energy. NaN values
    are in no histogram; the caller counts them.
    """
    spec = pipeline.spec
    if isinstance(spec.postprocess, BoxesSteps):
        kept = [np.asarray(one)[np.asarray(one)[:, 4] >= spec.postprocess.score_threshold] for one in answer]
        sure = [one[:, 4].max() if len(one) else np.nan for one in kept]
        return {"results": np.asarray([len(one) for one in kept], np.float64), "confidence": np.asarray(sure)}, None
    values = np.asarray(answer, np.float32)
    if spec.answer_kind in ("class", "labels", "score") and values.ndim:
        return _of_scores(pipeline, values)
    if spec.answer_kind == "mask":
        flat = values.reshape(len(values), -1)
        return {"results": np.asarray([len(np.unique(row)) for row in flat], np.float64)}, None
    if spec.answer_kind in ("tokens", "transcript"):
        return {"letters": np.asarray([len(pipeline.text_of(row)) for row in values], np.float64)}, None
    found = of_numbers(_rows(values))
    return {"answer_mean": found["mean"], "answer_spread": found["spread"]}, None


def _of_scores(pipeline: Pipeline, values: NDArray[np.float32]) -> tuple[Figures, NDArray[np.int64] | None]:
    spec = pipeline.spec
    rows = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values[:, None]
    with np.errstate(all="ignore"):
        shares = probabilities(rows, spec).astype(np.float64)
        if isinstance(spec.preprocess, AudioSteps) or pipeline.stateful:  # frames of one sound have one prediction
            shares, rows = shares.mean(axis=0, keepdims=True), rows.mean(axis=0, keepdims=True)
        if spec.answer_kind == "score" or shares.shape[1] == 1:
            return {"score": shares[:, 0]}, (shares[:, 0] > 0.5).astype(np.int64)
        if spec.answer_kind == "labels":
            return {"results": (shares > 0.5).sum(axis=1).astype(np.float64), "confidence": shares.max(axis=1)}, None
        found = {"confidence": shares.max(axis=1)}
        if spec.scores == "logits":
            logits = rows.astype(np.float64)
            most = logits.max(axis=1)
            found["energy"] = -(most + np.log(np.exp(logits - most[:, None]).sum(axis=1)))
        classes = np.where(np.isfinite(shares).all(axis=1), shares.argmax(axis=1), -1)
    return found, classes.astype(np.int64)


def is_finite(answer: Any) -> bool:
    """Return whether all numbers of a prediction are finite."""
    return bool(np.isfinite(np.asarray(answer, np.float32)).all())


def _rows(values: NDArray[Any]) -> NDArray[np.float64]:
    return values.reshape(len(values), -1).astype(np.float64) if values.ndim else values.reshape(1, 1)
