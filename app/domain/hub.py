"""What can be said of a model from what the hub tells, before anything is downloaded."""

from dataclasses import dataclass
from typing import Literal

from workers.contracts.hub import HubModel

FormatKind = Literal["safe", "code", "not_here", "unknown"]

OPENED_LIBRARIES = frozenset({"transformers", "timm", "sentence-transformers", "transformers.js", "torchvision"})
"""Libraries whose safetensors Fettle knows how to read; ONNX files are read whoever wrote them."""
MEMORY_SHARE = 0.5
"""A model is in memory twice while both versions are measured."""


@dataclass(frozen=True)
class Wish:
    """What the hub itself cannot look for: checked against each model that it names."""

    business: bool = False
    max_bytes: int | None = None
    runs_here: bool = False
    memory_bytes: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every model fits."""
        return not (self.business or self.runs_here or self.max_bytes is not None)

    def fits(self, model: HubModel) -> bool:
        """Whether a model is what was wished for. What the hub does not say is not taken for granted."""
        if self.business and not (model.verdict is not None and model.verdict.for_business):
            return False
        if self.max_bytes is not None and (model.size_bytes is None or model.size_bytes > self.max_bytes):
            return False
        return not self.runs_here or format_kind(model, self.memory_bytes) in ("safe", "code")


def format_kind(model: HubModel, memory_bytes: int | None = None) -> FormatKind:
    """Safe, may hold code, nothing that runs here, or not told."""
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
