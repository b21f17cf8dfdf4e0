"""Recognize weights without code by names and shapes, convert and compare them, and refuse hostile ones."""

import json
import struct
import zipfile

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from workers.model_io.readers.architectures import matching_architectures
from workers.model_io.readers.fingerprints import distinctive, fingerprint, read_table
from workers.model_io.runtime import load_session, relative_error
from workers.pipeline.pipeline import load_pipeline

CLASSES = 7


@pytest.fixture(scope="module")
def squeezenet():
    torch.manual_seed(0)
    return torchvision.models.squeezenet1_1(num_classes=CLASSES).eval()


@pytest.fixture
def weights(tmp_path):
    """Save weights in one of the usual forms."""

    def save(value, name="weights.pt", **more):
        path = tmp_path / name
        if name.endswith(".safetensors"):
            save_file(value, str(path))
        else:
            torch.save(value, path, **more)
        return path

    return save


@pytest.mark.whole
@pytest.mark.timeout(300)
def test_weights_of_a_state_dict_become_onnx_and_a_torch_program(squeezenet, weights, opened):
    # Given the weights of a squeezenet with seven classes, wrapped as training programs do
    state = {f"module.{name}": value for name, value in squeezenet.state_dict().items()}
    path = weights({"epoch": 3, "state_dict": state, "optimizer": {"state": {}}})
    # When they are opened
    result, folder = opened(path)
    # Then the architecture is told, and the converted model answers like the module
    assert result.info.architecture == "torchvision/squeezenet1_1"
    assert result.info.parameters == sum(p.numel() for p in squeezenet.parameters())
    assert result.conversion_error is not None and result.conversion_error < 1e-4
    assert any("state_dict" in finding.what for finding in result.info.findings)
    # And the batch is free, and the torch program runs alike
    pipeline = load_pipeline(folder)
    picture = np.random.default_rng(0).standard_normal((3, 3, 224, 224)).astype(np.float32)
    answer = pipeline.answer(load_session(folder / "model.onnx"), {"input": picture})
    program = torch.export.load(folder / result.artifact.torch_program).module()
    with torch.inference_mode():
        want = squeezenet(torch.from_numpy(picture)).numpy()
        np.testing.assert_allclose(program(input=torch.from_numpy(picture)).numpy(), want, atol=1e-4)
    np.testing.assert_allclose(answer, want, atol=1e-3 * abs(want).max())


@pytest.mark.parametrize(
    ("name", "more"),
    [("a.safetensors", {}), ("legacy.pth", {"_use_new_zipfile_serialization": False}), ("half.bin", {})],
)
def test_weights_in_other_containers_are_recognized(squeezenet, weights, inspected, name, more):
    state = dict(squeezenet.state_dict())
    if name == "half.bin":
        state = {key: value.half() for key, value in state.items()}
    info = inspected(weights(state, name, **more))
    assert info.architecture == "torchvision/squeezenet1_1"
    assert info.outputs[0].shape == ("batch", CLASSES)
    assert info.inputs[0].meaning == "a picture, 224×224, RGB"
    assert any("float16" in finding.what for finding in info.findings) == (name == "half.bin")


def test_weights_of_an_unknown_architecture_are_inspected_but_not_opened(weights, refused, inspected):
    path = weights({"model_state_dict": {"layer.weight": torch.ones(3, 4)}, "config": {"n": 1}})
    error = refused(path)
    assert error.code == "unknown_architecture"
    assert "layer.weight" in error.detail and "ONNX" in error.hint
    info = inspected(path)
    assert info.parameters == 12
    assert any(finding.level == "danger" for finding in info.findings)


def test_weights_that_fit_two_architectures_need_a_choice(weights, refused, inspected):
    # Given weights that fit two architectures with different arithmetic (padding)
    import timm

    path = weights(timm.create_model("efficientnet_b0", num_classes=3).state_dict())
    # Then both are named, with the option
    error = refused(path)
    assert error.code == "ambiguous_architecture"
    assert "timm/efficientnet_b0" in error.detail and "timm/tf_efficientnet_b0" in error.detail
    assert "--architecture" in error.by_command
    # And a wrong choice is refused
    assert refused(path, architecture="timm/resnet18").code == "wrong_architecture"
    assert refused(path, architecture="timm/nonsense").code == "unknown_architecture"
    assert inspected(path, architecture="timm/tf_efficientnet_b0").architecture == "timm/tf_efficientnet_b0"


def test_table_of_architectures_fits_the_installed_libraries():
    # Given a few architectures built anew / Then the table leads to them, whatever the number of classes
    table = read_table()
    assert len({entry.name for entries in table.values() for entry in entries}) > 1000
    for name in ("torchvision/resnet18", "torchvision/mobilenet_v3_small", "timm/vit_tiny_patch16_224"):
        key, entry = fingerprint(name)
        assert entry in table[key]
    model = torchvision.models.resnet18(num_classes=3)
    shapes = distinctive({k: tuple(v.shape) for k, v in model.state_dict().items()})
    assert matching_architectures(shapes)[0] == ("torchvision/resnet18", 3)


def test_checkpoint_with_more_than_tensors_is_refused_with_the_remedy(weights, refused):
    error = refused(weights(torch.nn.Linear(2, 2), "module.pt"))
    assert error.code == "pickled_objects"
    assert "state_dict" in error.hint
    assert refused(weights({"epoch": 1}, "nothing.pt")).code == "no_tensors"


def test_checkpoint_storage_larger_than_the_file_is_refused(weights, refused, tmp_path):
    path = weights({"w": torch.arange(8.0)})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "lie.pt", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"K\x08t", b"J\xff\xff\xff\x7ft") if name.endswith("data.pkl") else data)
    assert refused(tmp_path / "lie.pt").code == "damaged"


ONE = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}


def st(header, data=b"\0" * 16, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (st({"a": ONE}, length=2**40), "damaged"),
        (st(b'{"a":1,"a":1}'), "unsafe"),
        (st({"a": ONE, "b": {**ONE, "data_offsets": [8, 24]}}, b"\0" * 24), "unsafe"),
        (st({"a": ONE, "b": {**ONE, "data_offsets": [32, 48]}}, b"\0" * 48), "unsafe"),
        (st({"a": ONE}, b"\0" * 40), "unsafe"),
        (st({"a": ONE}, b"\0" * 3), "damaged"),
        (st({"a": {**ONE, "shape": [400]}}), "damaged"),
        (st({"a": {**ONE, "shape": [-4]}}), "damaged"),
        (st({"a": {**ONE, "dtype": "EVIL"}}), "damaged"),
        (st({"a": {**ONE, "data_offsets": [16, 0]}}), "damaged"),
        (st({}, b""), "empty"),
    ],
)
def test_safetensors_with_a_wrong_header_is_refused(saved, refused, data, code):
    assert refused(saved(data, "a.safetensors")).code == code


@pytest.mark.parametrize(
    ("got", "error"),
    [([1.0, np.nan], np.inf), ([1.5, 4.0], 0.125), ([1.0, 4.0, 1.0], np.inf), ([np.nan, 4.0], np.inf)],
)
def test_relative_error_counts_a_lost_number_as_infinite(got, error):
    """Given converted results beside 1 and 4, Then each difference counts relative to 4, NaN and other shapes most."""
    want = {"y": np.array([1.0, 4.0])}
    assert relative_error(want, {"y": np.array(got)}) == error
    assert relative_error({"y": np.array(got)}, {"y": np.array(got)}) == 0
