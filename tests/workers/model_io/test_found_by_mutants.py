"""Files that mutation found: each once ended in an error without a class, or kept a worker busy for ever."""

import io
import zipfile

import numpy as np
import pytest
import torch

from workers.contracts.errors import InputRefused
from workers.model_io import trial


def test_names_that_are_no_text(onnx_model, saved, refused):
    # Given a model whose operation has a name of stray bytes (protobuf hands bytes out) / Then it is damaged
    data = onnx_model().SerializeToString().replace(b"MatMul", b"M\xff\xfeMul")
    error = refused(saved(data))
    assert error.code == "damaged" and "no text" in error.detail


def test_a_large_size_beside_a_free_one(onnx_model, saved, opened, monkeypatch):
    # Given an input of fixed millions and a free size / When it is tried / Then not with millions times 64
    seen = []
    made = trial.random_array

    def noted(entry, rng, side, table=None):
        seen.append(side)
        return made(entry, rng, side, table)

    monkeypatch.setattr(trial, "random_array", noted)
    nodes = [("ReduceMean", ["x"], ["m"], {"axes": [1, 2], "keepdims": 0}), ("MatMul", ["m", "w"], ["y"], {})]
    inputs = {"x": ("FLOAT", [1, 255, 4096, "n"])}
    weights = {"w": np.ones((1, 4), np.float32)}
    path = saved(onnx_model(nodes, inputs, {"y": ("FLOAT", [1, 4])}, weights))
    opened(path)
    assert set(seen) == {1}


def test_a_slow_model_is_tried_as_often_as_there_is_time(onnx_model, saved, opened, monkeypatch):
    # Given a model that takes 2.6 s for each answer / Then a second one, which would end after 5 s, is not begun
    clock = [0.0]
    monkeypatch.setattr(trial.time, "monotonic", lambda: clock[0])
    run = trial.Pipeline.run

    def slowly(*arguments):
        clock[0] += 2.6
        return run(*arguments)

    monkeypatch.setattr(trial.Pipeline, "run", slowly)
    result, _ = opened(saved(onnx_model()))
    assert any("tried once on made-up inputs" in finding.what for finding in result.info.findings)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_broken_description_of_a_program(saved, inspected):
    # Given TorchScript whose data.pkl breaks off inside its first name / Then it is damaged, not an inner error
    sound, out = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), sound)
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"\x80\x02c__torch__" if name.endswith("data.pkl") else old.read(name))
    with pytest.raises(InputRefused, match="description of the program is broken"):
        inspected(saved(out.getvalue(), "m.pt"))
