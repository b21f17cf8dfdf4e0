"""A small network as the torch program of a small model with the same names, and a loop that drives a real job."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from made_once import made_once

from app.jobs.client import JobClient
from workers.contracts.folder import write_model
from workers.infer.torch_compile import why_not_compiled

COMPILED = {"compile": True, "num_threads": 1}
COMPILE_S = 240.0
"""Tests run in parallel; alone a model as small as this takes about ten seconds."""


WHY_NOT = why_not_compiled()
needs_compiler = pytest.mark.skipif(bool(WHY_NOT), reason=f"PyTorch cannot compile: {WHY_NOT}")


def save_program(net: Any, path: Path) -> None:
    """Export a network of pictures with a free batch."""
    import torch

    example, free = {"image": torch.zeros(2, 3, 16, 16)}, {"image": {0: torch.export.Dim("n")}}
    torch.export.save(torch.export.export(net.eval(), (), example, dynamic_shapes=free), str(path))


def _export(folder: Path) -> None:
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Conv2d(3, 8, 3)
            self.last = torch.nn.Linear(8, 5)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.last(torch.relu(self.first(image)).mean((2, 3)))

    torch.manual_seed(3)
    save_program(Net(), folder / "model.pt2")


def with_program(small: Any) -> Any:
    """The same model folder with a convolution, a mean and a product as torch program of a free batch."""
    shutil.copy(made_once("torch_program", _export) / "model.pt2", small.folder)
    info = {"inputs": [{"name": "image"}], "outputs": [{"name": "logits"}]}
    (small.folder / "info.json").write_text(json.dumps(info), encoding="utf-8")
    write_model(small.folder, "model.onnx", ["model.onnx"], torch_program="model.pt2")
    return small


def finish(client: JobClient, timeout_s: float = COMPILE_S) -> Any:
    """The job's last message, which must come."""
    end_s, messages = time.monotonic() + timeout_s, []
    while not client.done:
        messages += client.poll()
        assert time.monotonic() < end_s, messages
        time.sleep(0.005)
    return messages[-1]
