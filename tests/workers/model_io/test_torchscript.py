"""Read TorchScript as text, and run it only after consent."""

import zipfile

import numpy as np
import pytest
import torch
from recording import RecordingContext

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import OpenParams
from workers.contracts.process.protections import MissingProtection
from workers.model_io.opening import open_model
from workers.model_io.runtime import load_session
from workers.pipeline.pipeline import load_pipeline

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)

    def forward(self, picture):
        return self.conv(picture).relu().mean((2, 3))


@pytest.fixture
def script(tmp_path):
    def save(module, name="net.pt"):
        torch.manual_seed(0)
        torch.jit.script(module.eval()).save(str(tmp_path / name))
        return tmp_path / name

    return save


def test_torchscript_without_consent_is_only_read(script, refused, inspected):
    path = script(Net())
    error = refused(path, shapes={"": (1, 3, 8, 8)})
    assert error.code == "needs_consent" and "--allow-code" in error.by_command
    info = inspected(path)
    assert info.format == "torchscript"
    assert any("picture" in finding.what for finding in info.findings)


def test_consent_for_one_program_is_none_for_another(script, refused, opened):
    """Given consent to run a program, When another one has taken its place, Then it needs a new consent; the program
    that was allowed is opened."""
    path, given = script(Named()), {"allow_code": True, "shapes": {"": (1, 3, 8, 8)}}
    earlier = refused(path).facts["sha256"]
    script(Net())
    error = refused(path, code_sha256=earlier, **given)
    assert (error.code, error.facts["sha256"] != earlier) == ("needs_consent", True)
    assert opened(path, code_sha256=error.facts["sha256"], **given)[0].conversion_error is not None


def test_torchscript_with_consent_needs_a_shape_and_is_converted(script, refused, opened):
    path = script(Net())
    assert "--shape" in refused(path, allow_code=True).by_command
    result, folder = opened(path, allow_code=True, shapes={"": (1, 3, 8, 8)})
    assert result.conversion_error is not None and result.conversion_error < 1e-4
    assert result.info.parameters == 4 * 3 * 9 + 4
    # the batch is free
    pipeline = load_pipeline(folder)
    answer = pipeline.answer(load_session(folder / "model.onnx"), {"picture": np.ones((5, 3, 8, 8), np.float32)})
    assert answer.shape == (5, 4)


class Named(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(4, 4)

    def forward(self, x):
        return {"answer": self.line(x)}


class Greedy(torch.nn.Module):
    def forward(self, x):
        return torch.zeros(1048576, 1048576) + x


@pytest.mark.parametrize(
    ("module", "shape", "code"),
    [
        (Net, (1, 5, 8, 8), "cannot_convert"),
        (Named, (1, 4), "unsupported_output"),
        (Greedy, (1, 4), "out_of_memory"),
    ],
)
def test_torchscript_that_cannot_be_converted_is_refused(script, refused, module, shape, code):
    """Given a wrong shape, results that are no arrays, or a program that needs all memory, Then the code says which."""
    assert refused(script(module()), allow_code=True, shapes={"": shape}).code == code


@pytest.mark.parametrize(
    ("library", "name", "error", "code"),
    [
        (torch.onnx, "export", RuntimeError(), "cannot_convert"),
        (torch.jit, "load", IndexError("Argument passed to at() was not in the map."), "damaged"),
    ],
)
def test_torchscript_on_which_the_library_fails_is_refused(script, refused, monkeypatch, library, name, error, code):
    """Given an exporter that fails without a message, or a loader that misses an entry, Then the error has words."""

    def fails(*_, **__):
        raise error

    monkeypatch.setattr(library, name, fails)
    refusal = refused(script(Net()), allow_code=True, shapes={"": (1, 3, 8, 8)})
    assert refusal.code == code and (str(error) or "RuntimeError") in refusal.detail


def test_torchscript_consent_names_missing_protections(script, work):
    # Given a system without one protection / Then the request for consent names it
    ctx = RecordingContext(work_dir=work, missing_protections=(MissingProtection(name="network"),))
    with pytest.raises(InputRefused) as caught:
        open_model(OpenParams(path=str(script(Net()))), ctx)
    assert "What is missing: network." in caught.value.detail


class Writes(torch.nn.Module):
    def forward(self, x):
        return x + torch.from_file("/nonexistent/canary", True, 4).sum()


def test_torchscript_that_accesses_files_never_runs(script, refused):
    error = refused(script(Writes()), allow_code=True, shapes={"": (1, 4)})
    assert error.code == "unsafe" and "from_file" in error.detail


def test_torchscript_with_broken_or_deeply_nested_source_is_refused(script, refused, tmp_path):
    for code in (b"def forward(self: A, x: Tensor) -> Tensor:\n  return ((((", b"(" * 50_000 + b"x" + b")" * 50_000):
        with zipfile.ZipFile(script(Net())) as old, zipfile.ZipFile(tmp_path / "bad.pt", "w") as new:
            for name in old.namelist():
                new.writestr(name, code if name.endswith(".py") else old.read(name))
        assert refused(tmp_path / "bad.pt", allow_code=True).code in ("damaged", "unsafe")
