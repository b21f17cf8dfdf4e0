"""Uses the heavy libraries for real, behind the walls."""

import io
from typing import Any

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    import numpy as np
    import onnx
    import onnxruntime
    import openvino
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
    path = ctx.work_dir / "model.onnx"
    torch.onnx.export(module, (torch.zeros(2, 4),), path, dynamo=True, verbose=False)
    onnx.checker.check_model(onnx.load(path))
    x = np.ones((2, 4), np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    a = session.run(None, {session.get_inputs()[0].name: x})[0]
    compiled = openvino.Core().compile_model(str(path), "CPU")
    b = next(iter(compiled({0: x}).values()))
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    answers: dict[str, Any] = {"close": bool(np.allclose(a, b, atol=0.05))}
    return Result(values=answers)
