"""Convert a model's output arrays to readable predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .spec import PipelineInput, PipelineSpec


def pool(values: NDArray[np.float32], spec: PipelineSpec, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Pool (n, tokens, width) to (n, width): mean over unmasked tokens, or the first token; normalize if specified."""
    if spec.pooling == "mean" and values.ndim == 3:
        mask = _mask(spec.inputs, feeds, values)
        values = (values * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), np.float32(1e-9))
    elif spec.pooling == "cls" and values.ndim == 3:
        values = values[:, 0]
    if spec.normalize:
        norm = np.linalg.norm(values, axis=-1, keepdims=True)
        values = values / np.maximum(norm, np.float32(1e-12))
    return values


def _mask(
    inputs: tuple[PipelineInput, ...], feeds: Mapping[str, NDArray[Any]], values: NDArray[np.float32]
) -> NDArray[np.float32]:
    for entry in inputs:
        if entry.source == "attention_mask" and entry.name in feeds:
            return feeds[entry.name].astype(np.float32)[:, :, None]
    return np.ones((*values.shape[:2], 1), np.float32)


def probabilities(answer: NDArray[np.float32], spec: PipelineSpec) -> NDArray[np.float32]:
    """Return scores (n, classes) as shares: logits by softmax, a single logit by the logistic function."""
    if spec.scores == "probabilities":
        return answer
    return sigmoid(answer) if answer.shape[-1] == 1 or spec.answer_kind in ("score", "labels") else softmax(answer)


def sigmoid(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return the logistic function of each logit, in a symmetric form that does not overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)


def softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return shares (…, classes) that add up to 1."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)


def describe(answer: NDArray[np.float32], spec: PipelineSpec, top: int = 5) -> list[tuple[str, float]]:
    """Return the best labels of one sample with their probabilities; several rows (frames) are averaged first.

    A ``score`` gives one row. Embeddings and tensors have no labels: the list is empty.
    """
    if spec.answer_kind not in ("class", "score", "labels") or not answer.size:
        return []
    rows = answer.reshape(-1, answer.shape[-1]) if answer.ndim > 1 else answer[None]
    if spec.answer_kind == "score":
        shares = probabilities(answer.reshape(-1, 1), spec)
        return [(label_of(spec, 0), float(shares.mean()))]
    shares = probabilities(rows, spec).mean(axis=0)
    order = np.argsort(-shares, kind="stable")[:top]
    return [(label_of(spec, int(index)), float(shares[index])) for index in order]


def label_of(spec: PipelineSpec, index: int) -> str:
    """Return the name of the class, or its number in words if the model has no names."""
    if spec.classes is not None and index < len(spec.classes):
        return spec.classes[index]
    return "score" if spec.answer_kind == "score" else f"class {index}"


def one_item(values: NDArray[Any], feeds: Mapping[str, NDArray[Any]], spec: PipelineSpec) -> NDArray[np.float32]:
    """Return one item's prediction without batch axis and padding; one score per step for stateful models."""
    values = np.asarray(values, np.float32)
    if spec.generation is not None:
        return np.asarray(values[0], np.float32)
    if spec.links:
        return values.reshape(len(values), -1)[:, 0] if values.size == len(values) else values
    for entry in spec.inputs:
        mask = feeds.get(entry.name) if entry.source == "attention_mask" else None
        if mask is not None and values.ndim >= 2 and values.shape[:2] == mask.shape:
            return np.asarray(values[mask.astype(bool)], np.float32)
    return values[0] if values.ndim and len(values) == 1 else values
