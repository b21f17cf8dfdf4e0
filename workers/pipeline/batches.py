"""Run a model over the leading axis: at once, in the model's fixed batch size, or step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .arrays import dtype_of
from .spec import PipelineInput, PipelineSpec
from .texts import TOKEN_SOURCES, fit_length

Arrays = dict[str, NDArray[Any]]


class Runs(Protocol):
    """A loaded model."""

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return all outputs by name."""
        ...


def run(session: Runs, spec: PipelineSpec, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return all outputs by name, joined along axis 0 if a request had to be split."""
    links = dict(spec.links or {})
    rows = _rows(spec, feeds)
    if links:
        return _run_steps(session, spec, feeds, links, rows)
    size = fixed_batch(spec, feeds)
    if size is None or size == rows:
        return _with_rows(_rows_first(session.run(feeds), spec), rows)
    parts = []
    for start in range(0, rows, size):
        part = _slice(spec, feeds, start, min(start + size, rows), size)
        outputs = _with_rows(_rows_first(session.run(part), spec), size)
        parts.append({name: value[: rows - start] for name, value in outputs.items()})
    return _concatenate(parts)


def _run_steps(
    session: Runs, spec: PipelineSpec, feeds: Mapping[str, NDArray[Any]], links: Mapping[str, str], rows: int
) -> Arrays:
    """Call the model once per time step; each state input gets the previous call's output, zeros at first."""
    state = zero_state(spec)
    carries = getattr(spec.preprocess, "carry_state", True)
    parts = []
    for step in range(rows):
        state = state if carries else zero_state(spec)
        outputs = session.run({**_slice(spec, feeds, step, step + 1, 1), **state})
        state = {
            name: np.asarray(outputs[source]).astype(state[name].dtype, copy=False) for name, source in links.items()
        }
        kept = {name: value for name, value in outputs.items() if name not in links.values()}
        parts.append(_with_rows(kept, 1))
    return {**_concatenate(parts), **{source: state[name] for name, source in links.items()}}


def zero_state(spec: PipelineSpec) -> Arrays:
    """Return the state before the first step: zeros, with size 1 where a size is free."""
    return {
        entry.name: np.zeros([size or 1 for size in entry.shape], dtype_of(entry))
        for entry in spec.inputs
        if entry.source == "state"
    }


def join(samples: Sequence[Mapping[str, NDArray[Any]]], spec: PipelineSpec, pads: Mapping[str, int]) -> Arrays:
    """Join samples along axis 0; rows of tokens are padded to the longest with their source's pad value."""
    joined: Arrays = {}
    for entry in spec.inputs:
        rows = [sample[entry.name] for sample in samples if entry.name in sample]
        if not rows:
            continue
        if not is_batched(entry):
            joined[entry.name] = rows[0]
            continue
        if entry.source in TOKEN_SOURCES:
            longest = max(row.shape[1] for row in rows)
            rows = [fit_length(row, longest, pads.get(entry.source, 0)) for row in rows]
        joined[entry.name] = np.concatenate(rows, axis=entry.batch_axis)
    return joined


def is_batched(entry: PipelineInput) -> bool:
    """Return whether the input's batch axis counts samples."""
    return entry.batched and bool(entry.shape) and entry.source != "state"


def _rows(spec: PipelineSpec, feeds: Mapping[str, NDArray[Any]]) -> int:
    return next((feeds[e.name].shape[e.batch_axis] for e in spec.inputs if is_batched(e) and e.name in feeds), 1)


def fixed_batch(spec: PipelineSpec, feeds: Mapping[str, NDArray[Any]] | None = None) -> int | None:
    """Return the model's fixed batch size; None if it accepts any number of samples."""
    requested = (e for e in spec.inputs if is_batched(e) and (feeds is None or e.name in feeds))
    return next((e.shape[e.batch_axis] for e in requested if e.shape[e.batch_axis]), None)


def group_size(spec: PipelineSpec) -> int:
    """Return the number of samples per request: more than 1 if the model's batch size is fixed."""
    return 1 if spec.links else fixed_batch(spec) or 1


def in_groups(items: Iterable[Arrays], spec: PipelineSpec) -> Iterator[Arrays]:
    """Yield samples as requests of the model's batch size; the last one is filled by repeating its last sample."""
    size, part = group_size(spec), list[Arrays]()
    for item in items:
        part.append(item)
        if len(part) == size:
            yield part[0] if size == 1 else join(part, spec, {})
            part = []
    if part:
        yield join([*part, *[part[-1]] * (size - len(part))], spec, {})


def _slice(spec: PipelineSpec, feeds: Mapping[str, NDArray[Any]], start: int, stop: int, size: int) -> Arrays:
    """Return rows start..stop, with the last one repeated until there are `size`."""
    part: Arrays = {}
    axes = {entry.name: entry.batch_axis for entry in spec.inputs if is_batched(entry)}
    for name, value in feeds.items():
        if name not in axes:
            part[name] = value
            continue
        axis = axes[name]
        picked = np.minimum(np.arange(start, max(stop, start + size)), min(stop, value.shape[axis]) - 1)
        part[name] = value[start:stop] if axis == 0 and stop - start == size else value.take(picked, axis)
    return part


def _rows_first(outputs: Mapping[str, NDArray[Any]], spec: PipelineSpec) -> Mapping[str, NDArray[Any]]:
    """Return the outputs with their batch axis moved to the front."""
    moved = {output.name: output.batch_axis for output in spec.outputs if output.batch_axis}
    return {n: np.moveaxis(v, moved[n], 0) if np.ndim(v) > moved.get(n, 0) > 0 else v for n, v in outputs.items()}


def _with_rows(outputs: Mapping[str, NDArray[Any]], rows: int) -> Arrays:
    """Add a batch axis to outputs that have none, so that they can be joined and compared."""
    return {
        name: value if np.ndim(value) and (len(value) == rows or rows > 1) else np.asarray(value)[None]
        for name, value in outputs.items()
    }


def _concatenate(parts: Sequence[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
