"""The torch program with numbers of half the digits, computed here on the processor: the change of its graph is the
same as on a card; and the wiring of the stream by a torch that has none."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from compiled_program import save_program, with_program
from stand_in_card import StandInDriver

from workers.infer import torch_cuda
from workers.infer.cuda_driver import Driver
from workers.infer.torch_cpu import TorchSession, load_program


def program_of(make_small: Any, tmp_path: Any) -> Any:
    """With a mask that the graph itself makes in float32."""
    import torch

    small = with_program(make_small("cnn"))

    class Masked(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = torch.nn.Linear(8, 5)
            self.register_buffer("steps", torch.arange(8))

        def forward(self, image: Any) -> Any:
            mask = (self.steps > 2).to(torch.float32) + torch.zeros(8, dtype=torch.float32)
            return self.last(torch.relu(image[:, :, 0, :8].sum(1)) * mask)

    save_program(Masked(), small.folder / "model.pt2")
    return small


@pytest.mark.parametrize(("precision", "most"), [("fp16", 2e-2), ("bf16", 1e-1)])
def test_half_the_digits_inside_the_same_outside(make_small: Any, tmp_path: Any, precision: str, most: float) -> None:
    """Given a program whose graph names float32 itself, When it computes with half the digits, Then answers are float32,
    close to the program's own, and not the same: nothing was left as it was."""
    import torch

    small = program_of(make_small, tmp_path)
    program, names = load_program(torch, small.model.main)
    feeds = {"image": np.random.default_rng(0).standard_normal((3, 3, 16, 16), np.float32)}
    own = TorchSession(torch, program, names, "cpu").run(feeds)["logits"]
    program, names = load_program(torch, small.model.main)
    half = TorchSession(torch, program, names, "cpu", precision).run(feeds)["logits"]
    assert half.dtype == np.float32 and half.shape == own.shape
    assert 0 < np.abs(half - own).max() < most * max(1.0, float(np.abs(own).max()))


def test_card_session_uses_a_separate_stream(make_small: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a torch whose card is the processor and a stand-in driver, Then each request runs in the session's stream,
    and the marks of the card's clock stand in that stream around each part."""
    import torch

    library = StandInDriver()
    entered: list[Any] = []
    stream = SimpleNamespace(cuda_stream=5, synchronize=lambda: library.calls.append("synchronize"))
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda one: entered.append(one) or nullcontext())
    monkeypatch.setattr(torch_cuda, "Driver", lambda: Driver(library))
    program, names = load_program(torch, program_of(make_small, tmp_path).model.main)
    session = torch_cuda.CudaTorchSession(torch, program, names)
    session._device = "cpu"
    feeds = {"image": np.zeros((1, 3, 16, 16), np.float32)}
    assert session.run(feeds)["logits"].shape == (1, 5)
    assert session.card_spans(feeds)[0].compute_ms == library.elapsed_ms
    assert entered == [stream, stream]
    assert library.calls.index("synchronize") < library.calls.index("cuEventElapsedTime")


def test_unknown_numbers_are_refused(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="cannot be 'fp4'"):
        torch_cuda.load(tmp_path / "model.onnx", {"precision": "fp4"}, 1)
