"""Write golden inputs and the model's own outputs as JSON, for programs that cannot read numpy's files."""

import base64
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.bundles import ExportParams
from workers.contracts.process.context import JobContext
from workers.measure.opening import open_session
from workers.pipeline.pipeline import Runs, load_pipeline
from workers.pipeline.prepared import Prepared

MAX_BYTES = 8 << 20
"""Maximum size of all inputs: the example is for a trial, and the golden predictions are next to it in full."""


def golden_json(params: ExportParams, ctx: JobContext) -> str:
    """Return inputs and outputs of the first test item: `[{inputs, outputs, answer}]`.

    Arrays are stored by name as ``{dtype, shape, base64}`` (little-endian); `answer` is the pipeline's prediction.
    Inputs that no example holds (a state, constants) are included. If an example takes several calls, like the steps of
    a model with a state, inputs and outputs are those of the first call and `answer` is that of all. The result is
    empty ("[]") if the inputs are larger than `MAX_BYTES`.
    """
    pipeline = load_pipeline(Path(params.model_dir))
    items = Prepared(Path(params.data_dir) / "test")
    with closing(open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)) as session:
        ctx.check_cancelled()
        feeds = {name: np.array(value) for name, value in items[0].items()} if len(items) else {}
        if not feeds or sum(value.nbytes for value in feeds.values()) > MAX_BYTES:
            return "[]"
        first = _FirstCall(session)
        answer = pipeline.answer(first, feeds)
        row = {"inputs": _arrays(first.feeds), "outputs": _arrays(first.outputs), "answer": as_json(answer)}
        return json.dumps([row])


class _FirstCall:
    """Session that records its first inputs and outputs."""

    def __init__(self, session: Runs) -> None:
        self._session = session
        self.feeds: dict[str, NDArray[Any]] = {}
        self.outputs: dict[str, NDArray[Any]] = {}

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        outputs = dict(self._session.run(feeds))
        if not self.feeds:
            self.feeds = {name: np.array(value) for name, value in feeds.items()}
            self.outputs = {name: np.array(value) for name, value in outputs.items()}
        return outputs


def _arrays(values: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {name: as_json(value) for name, value in values.items()}


def as_json(value: NDArray[Any]) -> dict[str, Any]:
    """Return one array as JSON values."""
    little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    return {
        "dtype": value.dtype.name,
        "shape": list(value.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def from_json(row: Mapping[str, Any]) -> NDArray[Any]:
    """Return the array that `as_json` converted."""
    content = base64.b64decode(row["base64"])
    return np.frombuffer(content, np.dtype(row["dtype"]).newbyteorder("<")).reshape(row["shape"])
