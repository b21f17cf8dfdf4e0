"""What a detector's own outputs show about them: scores that are logits, places in shares, corners or sides."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.pipeline import BoxesSteps
from workers.pipeline.postprocess.boxes import heads_of
from workers.pipeline.spec import BoxesSteps as Plain

LARGEST_SHARE = 2.0
"""Places in shares of the input may lie a little outside of it; places in pixels are far above."""

CORNERS = 0.9
"""Real boxes have their second corner right of and below the first, nearly all of them."""


def seen(steps: BoxesSteps, outputs: Sequence[Mapping[str, NDArray[Any]]]) -> BoxesSteps:
    """`steps` as these outputs show them; the same where they hold no box. Raises KeyError or ValueError where they
    are of another form."""
    plain = steps.model_copy(update={"activation": "none", "background": "none"})
    heads = [heads_of(one, Plain(**plain.model_dump(exclude={"kind"}))) for one in outputs]
    places = np.concatenate([head.places.reshape(-1, 4) for head in heads])
    raw = [values for one in outputs for values in _raw_scores(one, steps)]
    scores = np.concatenate([values.ravel() for values in raw]) if raw else np.empty(0, np.float32)
    update: dict[str, Any] = {}
    if scores.size and not ((scores >= -1e-3) & (scores <= 1 + 1e-3)).all() and steps.activation == "none":
        update["activation"] = "softmax" if steps.background != "none" else "sigmoid"
    finite = places[np.isfinite(places).all(axis=1)]
    if len(finite):
        update["unit"] = "shares" if float(np.abs(finite).max()) <= LARGEST_SHARE else "pixels"
        ordered = float(((finite[:, 2] >= finite[:, 0]) & (finite[:, 3] >= finite[:, 1])).mean())
        if steps.form == "boxes_scores" and steps.corners == "xyxy" and ordered < CORNERS:
            update["corners"] = "cxcywh"
    return steps.model_copy(update=update)


def _raw_scores(outputs: Mapping[str, NDArray[Any]], steps: BoxesSteps) -> list[NDArray[np.float32]]:
    whole = np.asarray(outputs[steps.boxes], np.float32)
    if steps.form == "yolo_v8":
        return [whole[:, 4 : 4 + (steps.classes or whole.shape[1])]]
    if steps.form == "yolo_v5":
        return [whole[..., 4 : 5 + (steps.classes or whole.shape[-1])]]
    return [np.asarray(outputs[steps.scores], np.float32)] if steps.scores is not None else []
