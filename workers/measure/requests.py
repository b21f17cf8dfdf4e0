"""Make the requests with which a model is timed from prepared test inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.translation import _
from workers.infer.base import Arrays, Session
from workers.infer.pixels import as_pixels
from workers.measure.prompts import prompts
from workers.pipeline.batches import group_size, is_batched, zero_state
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import ImageSteps
from workers.pipeline.texts import TOKEN_SOURCES

MAX_REQUESTS = 64
MAX_BYTES = 256 << 20


@dataclass
class Requests:
    """Complete requests in a fixed order, in plain memory; `state` is the next state of a stateful model.

    `links` maps a state input to the output that feeds it. `batch` is the number of items in one request.
    """

    feeds: list[Arrays]
    batch: int = 1
    links: Mapping[str, str] = field(default_factory=dict)
    state: Arrays = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of different requests."""
        return len(self.feeds)

    def feed(self, number: int) -> Arrays:
        """Return the inputs of request `number`; after the last request they start again."""
        feeds = self.feeds[number % len(self.feeds)]
        return {**feeds, **self.state} if self.state else feeds

    def apart(self) -> "Requests":
        """Return the same requests with a separate state, for one of several threads."""
        return replace(self, state=dict(self.state))

    def carry(self, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Store the state that a request produced for the next one."""
        for name, source in self.links.items():
            self.state[name] = outputs[source].astype(self.state[name].dtype, copy=False)


def load_requests(
    model_dir: Path, data_dir: Path, batch: int = 1, limit: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES
) -> Requests:
    """Return the first test inputs as requests of `batch` items; each time step of a stateful model is a request.

    A model with a fixed batch gets requests of that size.

    Raises:
        InputRefused: there is no test input, or a model with a state or a fixed batch cannot take `batch`.
    """
    pipeline = load_pipeline(model_dir)
    prepared = Prepared(data_dir / "test")
    if len(prepared) == 0:
        raise InputRefused(
            "no_test_inputs",
            "There is nothing to measure with",
            "The data holds no test inputs.",
            "Add more examples, or start without data: Fettle then makes inputs itself.",
        )
    if pipeline.stateful:
        if batch != 1:
            raise InputRefused(
                "state_has_no_batch",
                "This model cannot take a batch",
                "It carries a state from one request to the next, so it takes one step at a time.",
                "Measure it with batch 1.",
            )
        feeds = _steps(pipeline, prepared, limit)
        return Requests(feeds, 1, dict(pipeline.spec.links or {}), zero_state(pipeline.spec))
    if pipeline.spec.chat is not None:
        return Requests(prompts(prepared, pipeline.spec.chat.context, limit, batch))
    batch = _own_batch(pipeline, batch)
    feeds = []
    used_bytes = 0
    for start in range(0, limit * batch, batch):
        if feeds and (start >= len(prepared) or used_bytes > max_bytes):
            break
        samples = [prepared[(start + offset) % len(prepared)] for offset in range(batch)]
        request = samples[0] if batch == 1 else pipeline.batch(_of_one_size(pipeline, samples))
        feeds.append(_as_given(pipeline, _owned(request)))
        used_bytes += sum(array.nbytes for array in feeds[-1].values())
    return Requests(feeds, batch)


def _of_one_size(pipeline: Pipeline, samples: list[Arrays]) -> list[Arrays]:
    """Replace samples of another size by the first, because a batch has one size; rows of tokens are padded instead."""
    padded = {entry.name for entry in pipeline.spec.inputs if entry.source in TOKEN_SOURCES}
    sizes = [{name: array.shape for name, array in one.items() if name not in padded} for one in samples]
    return [one if size == sizes[0] else samples[0] for one, size in zip(samples, sizes, strict=True)]


def _own_batch(pipeline: Pipeline, batch: int) -> int:
    """Return the batch size of a request, which is the model's own if it takes no other.

    Raises:
        InputRefused: another batch is requested.
    """
    own = group_size(pipeline.spec)
    if own == 1 or batch in (1, own):
        return max(own, batch)
    raise InputRefused(
        "batch_is_fixed",
        "This model takes one size of batch only",
        _("It always takes {0} inputs at once, so it cannot be measured with {1}.").format(own, batch),
        _("Measure it with batch {0}.").format(own),
    )


def _owned(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
    """Copy the arrays, so that no page of a mapped file is read inside a timed region."""
    return {name: np.array(array, order="C") for name, array in feeds.items()}


def _as_given(pipeline: Pipeline, feeds: Arrays) -> Arrays:
    """Return the inputs as a program would pass them to this model.

    A model that prepares images itself gets pixels. They are recovered here, outside the timed region. Its time then
    includes the preparation, which the original's time does not. Inputs that do not come from pixels stay unchanged, so
    that the model reports the problem.
    """
    steps, name = pipeline.spec.preprocess, pipeline.main_input.name
    if not isinstance(steps, ImageSteps) or not steps.pixels:
        return feeds
    try:
        return {**feeds, name: as_pixels(feeds[name], vars(steps))}
    except ValueError:
        return feeds


def _steps(pipeline: Pipeline, prepared: Prepared, limit: int) -> list[Arrays]:
    batched = {entry.name for entry in pipeline.spec.inputs if is_batched(entry)}
    steps: list[Arrays] = []
    for item in prepared:
        count = max(len(array) for name, array in item.items() if name in batched)
        for step in range(min(count, limit - len(steps))):
            cut = {n: a[step : step + 1] if n in batched else a for n, a in item.items()}
            steps.append(_owned(cut))
        if len(steps) >= limit:
            break
    return steps


def run_first(session: Session, requests: Requests, runtime: str) -> None:
    """Run one request.

    Raises:
        InputRefused: the model does not run in this runtime.
    """
    try:
        outputs = session.run(requests.feed(0))
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError) as error:
        raise _does_not_run(runtime, error) from error
    except Exception as error:  # the library's own errors derive from Exception alone
        if type(error).__module__.startswith("onnxruntime"):
            raise _does_not_run(runtime, error) from error
        raise
    requests.carry(outputs)


def _does_not_run(runtime: str, error: Exception) -> InputRefused:
    reason = " ".join(str(error).split())[:400].rstrip(".")
    return InputRefused(
        "model_does_not_run",
        "The model could be loaded but does not run",
        _("{0} reported: {1}.").format(runtime, reason),
        "Check that the inputs fit the model, or choose another runtime.",
    )
