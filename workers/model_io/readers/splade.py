"""Read sparse encoders (SPLADE; Formal et al. 2021): masked language models whose word scores embed a text.

Source of the files and of the formula: sentence-transformers, sparse_encoder/models/SpladePooling.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workers.model_io.readers.neighbors import read_json

OUTPUT = "sparse_embedding"
MODULE = "SpladePooling"


@dataclass(frozen=True)
class SparsePooling:
    """Pooling of the scores (batch, tokens, vocabulary) of a text into one vector (batch, vocabulary)."""

    strategy: Literal["max", "sum"] = "max"
    logarithms: int = 1

    def __call__(self, outputs: Mapping[str, Any], mask: Any) -> Any:
        """Return the weight of each word; padding counts as nothing."""
        import torch

        weights = torch.relu(outputs["logits"])
        for _ in range(self.logarithms):
            weights = torch.log1p(weights)
        weights = weights * mask.unsqueeze(-1).to(weights.dtype)
        return weights.amax(dim=1) if self.strategy == "max" else weights.sum(dim=1)


def sparse_pooling(folder: Path) -> SparsePooling | None:
    """Return how the folder of a sparse encoder pools, None for any other folder."""
    modules = read_json(folder / "modules.json")
    entries = [one for one in modules if isinstance(one, dict)] if isinstance(modules, list) else []
    named = next((one for one in entries if str(one.get("type", "")).endswith(MODULE)), None)
    if named is None:
        return None
    config = read_json(folder / Path(str(named.get("path", ""))).name / "config.json")
    told = config if isinstance(config, dict) else {}
    return SparsePooling(
        "sum" if told.get("pooling_strategy") == "sum" else "max",
        2 if told.get("activation_function") == "log1p_relu" else 1,
    )
