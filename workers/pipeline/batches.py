"""Running a model over the leading axis: in one go, in the fixed batch that the model wants, or step by
step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .spec import Input, Spec
from .texts import fit_length

Arrays = dict[str, NDArray[Any]]


class Runs(Protocol):
    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays: ...


def run(session: Runs, spec: Spec, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
    """All outputs by name, joined along axis 0 where a request had to be split."""
    links = dict(spec.links or {})
    rows = _rows(spec, feeds)
    if links:
        return _run_steps(session, spec, feeds, links, rows)
    size = _fixed_batch(spec, feeds)
    if size is None or size == rows:
        return _with_rows(session.run(feeds), rows)
    parts = []
    for start in range(0, rows, size):
        part = _slice(spec, feeds, start, min(start + size, rows), size)
        outputs = _with_rows(session.run(part), size)
        parts.append({name: value[: rows - start] for name, value in outputs.items()})
    return _concatenate(parts)


def _run_steps(
    session: Runs, spec: Spec, feeds: Mapping[str, NDArray[Any]], links: Mapping[str, str], rows: int
) -> Arrays:
    """One call a time step; each state input gets what the call before gave, zeros at first."""
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


def zero_state(spec: Spec) -> Arrays:
    """The state before the first step: zeros, 1 where a size is free."""
    return {
        entry.name: np.zeros([size or 1 for size in entry.shape], entry.dtype)
        for entry in spec.inputs
        if entry.source == "state"
    }


def join(samples: Sequence[Mapping[str, NDArray[Any]]], spec: Spec, pads: Mapping[str, int]) -> Arrays:
    """Samples one after the other along axis 0; token rows are filled up to the longest by their source's
    pad."""
    joined: Arrays = {}
    for entry in spec.inputs:
        rows = [sample[entry.name] for sample in samples if entry.name in sample]
        if not rows:
            continue
        if not is_batched(entry):
            joined[entry.name] = rows[0]
            continue
        if entry.source in ("input_ids", "attention_mask", "token_type_ids"):
            longest = max(row.shape[1] for row in rows)
            rows = [fit_length(row, longest, pads.get(entry.source, 0)) for row in rows]
        joined[entry.name] = np.concatenate(rows)
    return joined


def is_batched(entry: Input) -> bool:
    """Whether axis 0 counts samples."""
    return entry.batched and bool(entry.shape) and entry.source != "state"


def _rows(spec: Spec, feeds: Mapping[str, NDArray[Any]]) -> int:
    return next((len(feeds[e.name]) for e in spec.inputs if is_batched(e) and e.name in feeds), 1)


def _fixed_batch(spec: Spec, feeds: Mapping[str, NDArray[Any]]) -> int | None:
    return next((e.shape[0] for e in spec.inputs if is_batched(e) and e.name in feeds and e.shape[0]), None)


def _slice(spec: Spec, feeds: Mapping[str, NDArray[Any]], start: int, stop: int, size: int) -> Arrays:
    """Rows start..stop, the last one repeated until there are `size`."""
    part: Arrays = {}
    batched = {entry.name for entry in spec.inputs if is_batched(entry)}
    for name, value in feeds.items():
        if name not in batched:
            part[name] = value
            continue
        rows = value[start:stop]
        missing = size - len(rows)
        part[name] = np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing > 0 else rows
    return part


def _with_rows(outputs: Mapping[str, NDArray[Any]], rows: int) -> Arrays:
    """Outputs that have no batch axis get one, so that they can be joined and compared."""
    return {
        name: value if np.ndim(value) and (len(value) == rows or rows > 1) else np.asarray(value)[None]
        for name, value in outputs.items()
    }


def _concatenate(parts: Sequence[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
