"""Where the time of a version goes, layer by layer, in both engines; with sizes and precisions."""

from pathlib import Path

import pytest
from recording import RecordingContext

from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.folder import read_model
from workers.convert import pixels_in
from workers.measure.requests import load_requests
from workers.quantize import int8_static
from workers.tune.layers import layers_of, target_of


def look(small, tmp_path: Path, runtime: str, *, version=None, cancel_after: int | None = None, settings=None):
    """Measure the layers of a small model or of a version of it."""
    folder = (version or small).folder
    feeds = load_requests(folder, small.data, limit=1).feed(0)
    ctx = RecordingContext(tmp_path, data_dir=small.data, cancel_after=cancel_after)
    return layers_of(target_of(folder, runtime, settings or {}), feeds, ctx)


@pytest.mark.parametrize(
    ("runtime", "kind"), [("onnxruntime-cpu", "transformer"), ("onnxruntime-cpu", "stateful"), ("openvino", "cnn")]
)
def test_every_layer_has_its_time(make_small, tmp_path: Path, runtime: str, kind: str) -> None:
    """Given a model, When its layers are looked at, Then each is there once, with its time and its number format."""
    small = make_small(kind)
    found = look(small, tmp_path, runtime)
    assert all(layer.ms > 0 for layer in found)
    assert found and len({layer.name for layer in found}) == len(found)
    assert {layer.precision for layer in found} & {"f32", "bf16"}
    assert list(tmp_path.iterdir()) == []


def test_eight_bits_are_seen(make_small, apply, tmp_path: Path) -> None:
    """Given a version in 8 bits, Then some of its layers compute in 8 bits."""
    small = make_small("cnn")
    found = look(small, tmp_path, "onnxruntime-cpu", version=apply(int8_static.SPEC, small))
    assert "int8" in {layer.precision for layer in found}


def test_version_that_prepares_pictures_has_layers(make_small, apply, tmp_path: Path) -> None:
    """Given a version that takes pixels, and data that was prepared for the original, Then its layers are measured."""
    small = make_small("pictures")
    found = look(small, tmp_path, "openvino", version=apply(pixels_in.SPEC, small))
    assert len(found) >= 3


def test_target_of_a_combined_version_is_one_model(make_small) -> None:
    """Given settings of a cascade and of length buckets, Then the fast model, or the plain program, is meant."""
    small = make_small("cnn")
    plain = {"inference_precision": "f32"}
    first = {"inference_precision": "bf16"}
    cascade = target_of(small.folder, "openvino", {**plain, "cascade": {"first": first, "threshold": 1.0}})
    assert cascade.settings == first and cascade.path == read_model(small.folder).main and cascade.part
    assert target_of(small.folder, "openvino", {**plain, "buckets": {}}).settings == plain
    assert target_of(small.folder, "openvino", plain).part == ""


def test_engine_without_layer_times_is_refused(make_small, tmp_path: Path) -> None:
    """Given a compiled version in PyTorch, and one without a program, Then both are refused; a cancel is obeyed."""
    small = make_small("cnn")
    for settings in ({"compile": True}, {}):
        with pytest.raises(InputRefused) as refused:
            look(small, tmp_path, "torch-cpu", settings=settings)
        assert refused.value.code == "layers_not_told"
    with pytest.raises(JobCancelled):
        look(small, tmp_path, "openvino", cancel_after=0)
