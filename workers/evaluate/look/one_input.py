"""Prepare one input of any kind for a model, and describe the model's prediction for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.trying import ShownPicture, TryRequest
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused, WorkerError
from workers.contracts.translation import _, mark, message_of
from workers.evaluate.look.drawing import save_small
from workers.evaluate.proof.comparing.wordings import tidy
from workers.evaluate.proof.predictions import model_failed, predict
from workers.evaluate.proof.similarity import cosine, similarity
from workers.evaluate.proof.tasks import text, transcript
from workers.pipeline.alike.masks import same_masks
from workers.pipeline.alike.shares import unlike_labels
from workers.pipeline.audio import read_wav
from workers.pipeline.batches import is_batched
from workers.pipeline.images import open_picture
from workers.pipeline.pipeline import WANTED, Arrays, Pipeline
from workers.pipeline.postprocess.matching import same_boxes
from workers.pipeline.prepared import Prepared
from workers.pipeline.rows import row_of
from workers.pipeline.spec import ArraySteps, AudioSteps, BoxesSteps, ImageSteps, PipelineError, TextSteps

ANSWER_FILE = "answer.npy"
TOP, FIRST_VALUES, LEVELS, SIDE_PX = 3, 8, 64, 360
ARRAY_SUFFIXES = (".npz", ".npy")

Values = NDArray[np.float32]


def feeds_of(request: TryRequest, pipeline: Pipeline, test: Prepared | None) -> tuple[Arrays, int]:
    """Return the model inputs of one example, and how many examples the file of the request holds.

    Raises:
        PipelineError: If it cannot be read. The message is a whole sentence.
    """
    feeds = _read(request, pipeline, test)
    main = pipeline.main_input
    count = feeds[main.name].shape[main.batch_axis] if is_batched(main) and not pipeline.stateful else 1
    if count < 1:
        raise PipelineError(_("There is no example in it."))
    axes = {entry.name: entry.batch_axis for entry in pipeline.spec.inputs if is_batched(entry)}
    first = {n: value.take([0], axes[n]) if n in axes and count > 1 else value for n, value in feeds.items()}
    return first, count


def refusal_of(error: Exception, pipeline: Pipeline) -> ErrorInfo:
    """Return in plain words why one input has no answer; other inputs may have one."""
    if isinstance(error, WorkerError):
        return error.info()
    if isinstance(error, PipelineError | OSError):
        wanted = WANTED.get(type(pipeline.spec.preprocess), mark("a row of numbers or arrays in an NPZ file"))
        detail = (
            message_of(error)
            if isinstance(error, PipelineError)
            else _("It cannot be read ({0}).").format(error.strerror or error)
        )
        return InputRefused("input_unreadable", "It cannot be read", detail, _("Try {0}.").format(_(wanted))).info()
    hint = mark("Try another input; if all fail, the preprocessing probably does not fit the model.")
    return model_failed(error, mark("The model failed at this input"), hint).info()


def _read(request: TryRequest, pipeline: Pipeline, test: Prepared | None) -> Arrays:
    if request.item is not None:
        if test is None or request.item >= len(test):
            raise PipelineError(_("This example is not among the test data."))
        # Copied because some runtimes reject the read-only arrays of a memory map.
        return {name: np.array(value) for name, value in test[request.item].items()}
    if request.text is not None:
        if isinstance(pipeline.spec.preprocess, ArraySteps):
            return pipeline.feeds_from(row_of(request.text, pipeline.spec))
        if not isinstance(pipeline.spec.preprocess, TextSteps):
            raise PipelineError(_("This model takes no text."))
        return pipeline.feeds_from(request.text)
    return pipeline.feeds_from(Path(request.path or ""))


def seen_of(request: TryRequest, pipeline: Pipeline, feeds: Arrays, count: int) -> ShownPicture:
    """Return what the model received; `count` is how many examples the file holds."""
    return _seen(request, pipeline, feeds).model_copy(update={"first_of": count})


def _seen(request: TryRequest, pipeline: Pipeline, feeds: Arrays) -> ShownPicture:
    steps, main = pipeline.spec.preprocess, feeds[pipeline.main_input.name]
    if isinstance(steps, ImageSteps) and main.ndim == 4:
        first = 2 if steps.layout == "nchw" and main.dtype != np.uint8 else 1
        height, width = main.shape[first : first + 2]
        return ShownPicture(kind="image", height_px=height, width_px=width)
    if isinstance(steps, TextSteps):
        mask = next(
            (feeds[e.name] for e in pipeline.spec.inputs if e.source == "attention_mask" and e.name in feeds), None
        )
        tokens = int(mask.sum()) if mask is not None else int(main.shape[-1])
        return ShownPicture(kind="text", tokens=tokens, cut=tokens >= steps.max_length)
    sound = sound_of(request, pipeline, feeds)
    if sound is not None:
        samples, rate_hz = sound
        return ShownPicture(kind="audio", seconds=samples.size / rate_hz, levels=levels_of(samples))
    return ShownPicture(kind="array", shapes={name: value.shape for name, value in feeds.items()})


def sound_of(request: TryRequest, pipeline: Pipeline, feeds: Arrays) -> tuple[Values, int] | None:
    """Return samples (n,) in −1..1 and their rate in Hz; None if the input is not a sound.

    They are those of the file, or without a sound file those that the model receives.
    """
    steps = pipeline.spec.preprocess
    if not isinstance(steps, AudioSteps):
        return None
    if request.path is not None and Path(request.path).suffix.lower() not in ARRAY_SUFFIXES:
        return read_wav(Path(request.path))
    main = feeds[pipeline.main_input.name]
    return np.ascontiguousarray(main[..., steps.context_samples :], np.float32).ravel(), steps.sample_rate_hz


def draw(path: Path, out: Path) -> bool:
    """Write a PNG of at most 360 pixels a side; return False for arrays, which have no picture."""
    if path.suffix.lower() in ARRAY_SUFFIXES:
        return False
    save_small(open_picture(path), SIDE_PX, out.parent, out.name)
    return True


def levels_of(samples: Values) -> tuple[float, ...]:
    """Return the largest |samples| (0..1) of 64 equal parts; 0 where they are not finite."""
    parts = np.array_split(np.abs(samples), LEVELS)
    return tuple(
        round(min(1.0, float(part.max())), 3) if part.size and np.isfinite(part).all() else 0.0 for part in parts
    )


def answer_of(pipeline: Pipeline, outputs: Mapping[str, NDArray[Any]], feeds: Arrays) -> Values:
    """Return the prediction as float32 without a batch axis of 1; one row per time step for a stateful model."""
    values = np.asarray(pipeline.answer_of(outputs, feeds), np.float32)
    return values[0] if not pipeline.stateful and values.ndim and len(values) == 1 else values


def rows_of(pipeline: Pipeline, answer: Values) -> dict[str, Any]:
    """Return the fields `kind`, `rows`, `values` and `size` of a `TryAnswer`."""
    spec = pipeline.spec
    if isinstance(spec.postprocess, BoxesSteps) and np.isfinite(answer).all():
        return {"kind": "boxes", "size": int((answer[:, 4] >= spec.postprocess.score_threshold).sum())}
    if not answer.size or not np.isfinite(answer).all():
        return {"kind": "nothing", "size": answer.size}
    if spec.answer_kind == "score" and pipeline.stateful:
        shares = pipeline.probabilities(answer.reshape(len(answer), -1)).ravel()
        moments = (("mean", float(shares.mean())), ("largest", float(shares.max())))
        return {"kind": "moments", "rows": moments, "size": shares.size}
    if spec.answer_kind in ("class", "score", "labels"):
        rows = tuple(pipeline.describe(answer, TOP))
        is_score = len(rows) == 1 and (spec.answer_kind == "score" or answer.size == 1)
        return {"kind": "score" if is_score else "class", "rows": rows, "size": answer.shape[-1] if answer.ndim else 1}
    if spec.answer_kind in ("tokens", "transcript"):
        return {"kind": "text", "text": pipeline.text_of(answer), "size": answer.size}
    flat = answer.ravel()
    return {"kind": "values", "values": tuple(float(value) for value in flat[:FIRST_VALUES]), "size": flat.size}


def compared(pipeline: Pipeline, old: Values, new: Values) -> dict[str, Any]:
    """Return the fields `same` and `similarity`, by the rules of the verdict for this kind of prediction."""
    spec = pipeline.spec
    finite = np.asarray([bool(np.isfinite(old).all()), bool(np.isfinite(new).all())])
    if isinstance(spec.postprocess, BoxesSteps):
        return {"same": same_boxes(old, new, spec.postprocess.score_threshold)}
    if spec.answer_kind in ("tokens", "transcript") and finite.all():
        before, after = pipeline.text_of(old), pipeline.text_of(new)
        rule = text if spec.answer_kind == "tokens" else transcript
        severity = float(rule.severity_of([before], [after])[0])
        return {"same": tidy(before) == tidy(after) or not rule.is_other(before, after, severity)}
    if old.shape != new.shape or not finite.all():
        return {"same": False}
    if spec.answer_kind == "mask":
        return {"same": same_masks(old, new)}
    if spec.answer_kind == "labels":
        shares = pipeline.probabilities(old), pipeline.probabilities(new)
        return {"same": not unlike_labels(np.atleast_2d(shares[0]), np.atleast_2d(shares[1])).any()}
    classes = predict([old, new], finite, spec.answer_kind, spec.scores, pipeline.stateful)
    if classes is not None:
        return {"same": bool(classes[0] == classes[1])}
    if spec.answer_kind == "score":
        half = 0.5 if spec.scores == "probabilities" else 0.0
        alike = float(((old > half) == (new > half)).mean())
        return {"same": alike == 1.0, "similarity": alike}
    return {"similarity": cosine(old, new) if spec.answer_kind == "embedding" else similarity(old, new)}
