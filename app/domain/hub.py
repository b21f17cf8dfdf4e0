"""Judge models by the hub's facts before anything is downloaded."""

from dataclasses import dataclass
from typing import Literal

from workers.contracts.hub import HubModel

FormatKind = Literal["safe", "code", "not_here", "unknown"]

OPENED_LIBRARIES = frozenset({"transformers", "timm", "sentence-transformers", "transformers.js", "torchvision"})
"""Libraries whose safetensors Fettle can read; ONNX files are readable from any library."""
MEMORY_SHARE = 0.5
"""Largest share of the memory for a model, which is loaded twice while both versions are measured."""


@dataclass(frozen=True)
class Wish:
    """Filters that the hub's search lacks, applied to each model that it lists."""

    business: bool = False
    max_bytes: int | None = None
    runs_here: bool = False
    memory_bytes: int | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether every model passes."""
        return not (self.business or self.runs_here or self.max_bytes is not None)

    def fits(self, model: HubModel) -> bool:
        """Return whether a model passes; facts that the hub does not state count as unmet."""
        if self.business and not (model.verdict is not None and model.verdict.for_business):
            return False
        if self.max_bytes is not None and (model.size_bytes is None or model.size_bytes > self.max_bytes):
            return False
        return not self.runs_here or format_kind(model, self.memory_bytes) in ("safe", "code")


def format_kind(model: HubModel, memory_bytes: int | None = None) -> FormatKind:
    """Return whether a model's files are safe, may hold code, cannot run here, or are unknown."""
    if memory_bytes and model.size_bytes and model.size_bytes > memory_bytes * MEMORY_SHARE:
        return "not_here"
    formats = set(model.formats)
    if not formats:
        return "unknown"
    if "onnx" in formats:
        return "safe"
    is_known = model.library is None or model.library in OPENED_LIBRARIES
    if "safetensors" in formats:
        return "safe" if is_known else "not_here"
    return "code" if "pickle" in formats and is_known else "not_here"
