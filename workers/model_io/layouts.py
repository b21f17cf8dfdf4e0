"""Find the batch axis of each input, and the sizes of one item in the user's data.

Most models count items along axis 0. Recurrent ones have states (layers, batch, width) whose second axis counts them,
and some take sequences as (time, batch, width). Names of free sizes show the batch if the exporter kept them; otherwise
each layout is tried until the model runs.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.jobs import OpenParams
from workers.contracts.paths import from_text
from workers.contracts.specs import TensorSpec
from workers.contracts.translation import _
from workers.pipeline.array_files import ArrayFileError, headers_of, npz_of
from workers.pipeline.arrays import NUMBERS
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec

_STATES = re.compile(r"(^|[._/])(initial_?)?(h|c|hx|cx|h_?0|c_?0)([._]?(\d+|in))?$|hidden|state|cell|memory", re.I)
_BATCH = re.compile(r"^(batch(_?size)?|bs|b|n)$", re.I)

Arrays = Mapping[str, NDArray[Any]]


def layouts(spec: PipelineSpec, inputs: Sequence[TensorSpec]) -> Iterator[PipelineSpec]:
    """Yield descriptions to try, the most likely first; `inputs` carry the names of free sizes."""
    if not isinstance(spec.preprocess, ArraySteps):
        yield spec
        return
    states = _states(spec)
    world = [entry for entry in spec.inputs if entry.source == "array" and entry.name not in states]
    named = _by_names(spec, inputs, states, world)
    if named is not None:
        yield named
    others = []
    if states:
        others.append(_with_axes(spec, states, {}))
    if any(len(entry.shape) >= 3 for entry in world) and (states or spec.links):
        others.append(_with_axes(spec, states | set(spec.links), {e.name: 1 for e in world if len(e.shape) >= 3}))
    sure = any(_is_second(entry, world) for entry in spec.inputs if entry.name in states)
    yield from (*others, spec) if sure else (spec, *others)


def _states(spec: PipelineSpec) -> set[str]:
    """Return the numeric inputs whose names suggest a recurrent layer's state; never all inputs."""
    arrays = [entry for entry in spec.inputs if entry.source == "array"]
    found = {
        e.name for e in arrays if len(e.shape) in (2, 3) and e.dtype.startswith("float") and _STATES.search(e.name)
    }
    return found if len(found) < len(arrays) else set()


def _is_second(state: PipelineInput, world: Sequence[PipelineInput]) -> bool:
    """Return whether a state's batch cannot be its first axis, because its size differs from the others' batch."""
    batches = {entry.shape[0] for entry in world if entry.shape}
    first, second = state.shape[:2]
    return (
        len(state.shape) == 3 and first is not None and first not in batches and (second is None or second in batches)
    )


def _by_names(
    spec: PipelineSpec, inputs: Sequence[TensorSpec], states: set[str], world: Sequence[PipelineInput]
) -> PipelineSpec | None:
    """Return the layout given by free sizes with batch-like names outside the first axis; None without such names."""
    free = [(given.name, at, size) for given in inputs for at, size in enumerate(given.shape) if isinstance(size, str)]
    axes = {name: at for name, at, size in free if _BATCH.match(size)}
    if not any(axes.values()):
        return None
    own = {entry.name: axes[entry.name] for entry in world if axes.get(entry.name)}
    named = {name: axes[name] for name in states if name in axes}
    return _with_axes(spec, states | (set(spec.links) if own else set()), own, named)


def _with_axes(
    spec: PipelineSpec, states: set[str], world: Mapping[str, int], named: Mapping[str, int] | None = None
) -> PipelineSpec:
    """Return the description with states that start with zeros and count items along their second axis of three."""
    entries = []
    for entry in spec.inputs:
        if entry.name in states:
            axis = (named or {}).get(entry.name, 1 if len(entry.shape) == 3 else 0)
            meaning = _("a state at the start of an item, zeros unless it is given")
            state = replace(entry, source="initial_state", batched=True, batch_axis=axis, optional=True)
            entries.append(replace(state, meaning=meaning))
        else:
            entries.append(replace(entry, batch_axis=world.get(entry.name, 0)))
    links = {name: output for name, output in spec.links.items() if name not in states}
    return replace(spec, inputs=tuple(entries), links=links)


def needs_output_axes(spec: PipelineSpec) -> bool:
    """Return whether some input has its batch outside axis 0, so that outputs may as well."""
    return any(entry.batch_axis for entry in spec.inputs) and not spec.links


def with_output_axes(spec: PipelineSpec, one: Arrays, two: Arrays | None) -> PipelineSpec:
    """Find the outputs' batch axes from the outputs for one and two items, or from the fixed batch size."""
    fixed = next((e.shape[e.batch_axis] for e in spec.inputs if e.source == "array" and e.shape[e.batch_axis]), None)
    outputs = tuple(_output(entry, one, two, fixed) for entry in spec.outputs)
    return replace(spec, outputs=outputs)


def _output(entry: PipelineOutput, one: Arrays, two: Arrays | None, fixed: int | None) -> PipelineOutput:
    shape = np.shape(one[entry.name])
    if two is not None:
        grown = [at for at, pair in enumerate(zip(shape, np.shape(two[entry.name]), strict=False)) if pair == (1, 2)]
    else:
        grown = [at for at, size in enumerate(shape) if size == fixed]
    return replace(entry, batch_axis=grown[0] if grown else 0)


MAX_ARRAYS = 100


def item_shapes(inputs: Sequence[TensorSpec], params: OpenParams) -> dict[str, tuple[int, ...]]:
    """Return {array name: sizes of one item in the user's data} for inputs with open sizes or a fixed batch.

    Return the sizes in `params` without data, and {} for data of other formats and for unreadable files; reading the
    data reports what is wrong with them.
    """
    if params.data_path is None:
        return params.item_shapes
    is_open = any(not spec.shape or not all(isinstance(size, int) for size in spec.shape[1:]) for spec in inputs)
    batches = any(isinstance(spec.shape[0], int) and spec.shape[0] > 1 for spec in inputs if spec.shape)
    file = npz_of(from_text(params.data_path)) if is_open or batches else None
    if file is None:
        return {}
    wanted = {"x", *(spec.name for spec in inputs)}
    with contextlib.suppress(ArrayFileError):
        headers = list(headers_of(file).items())[:MAX_ARRAYS]
        return {n: one.shape[1:] for n, one in headers if one.shape and one.dtype.kind in NUMBERS and n in wanted}
    return {}
