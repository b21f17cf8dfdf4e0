"""Convert a torch module to the inner form: ONNX, and the torch program beside it."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.model_io.formats import Arrays, Reference
from workers.model_io.words import cannot_convert, first_line

PROGRAM_FILE = "model.pt2"
MAX_PROGRAM_NUMBERS = 500_000_000
EXTERNAL_LIMIT_BYTES = 2**30
_EXAMPLE_BATCH = 2  # torch.export takes sizes of 0 and 1 as fixed


def export(
    path: Path,
    module: Any,
    examples: Mapping[str, Any],
    output: str,
    target: Path,
    free: Mapping[str, Mapping[int, str]],
    limits: Mapping[str, int] | None = None,
) -> str | None:
    """Write model.onnx (with named free axes) and model.pt2 into `target`; return the program's name or None.

    Args:
        path: the source, for messages.
        module: the torch module.
        examples: keyword arguments of the module's forward, with a batch of 2.
        output: name of the output.
        target: the folder to write to.
        free: names of the free axes of each input.
        limits: largest size of each named axis.

    Raises:
        InputRefused: torch cannot trace the module.
    """
    import torch

    numbers = sum(p.numel() for p in module.parameters())
    dims = {
        name: torch.export.Dim(name, min=1, max=(limits or {}).get(name))
        for axes in free.values()
        for name in axes.values()
    }
    shapes = {name: {axis: dims[dim] for axis, dim in free.get(name, {}).items()} for name in examples}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.export(module, (), dict(examples), dynamic_shapes=shapes, strict=False)
            exported = torch.onnx.export(
                program, dynamo=True, input_names=list(examples), output_names=[output], verbose=False
            )
        except Exception as error:  # torch.export and onnxscript raise many types
            raise cannot_convert(path, "PyTorch's exporter", first_line(error)) from error
        exported.save(str(target / "model.onnx"), external_data=numbers * 4 > EXTERNAL_LIMIT_BYTES)
        if numbers > MAX_PROGRAM_NUMBERS:
            return None
        torch.export.save(program, str(target / PROGRAM_FILE))
    return PROGRAM_FILE


def reference(module: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Reference:
    """Return a function that runs the module on numpy inputs, which are its arguments in this order."""

    def run(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        import torch

        with torch.inference_mode():
            answer = module(*(torch.from_numpy(np.array(feeds[name])) for name in inputs))
        tensors = answer if isinstance(answer, tuple | list) else (answer,)
        return {name: tensor.numpy() for name, tensor in zip(outputs, tensors, strict=True)}

    return run


def single(module: Any) -> Any:
    """Wrap the module so that its only argument is called `input`, whatever its own forward calls it."""
    import torch

    class Single(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = module

        def forward(self, input: Any) -> Any:
            return self.model(input)

    return Single().eval()
