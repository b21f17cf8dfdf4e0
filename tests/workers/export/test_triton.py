"""The Triton repository: its configuration matches the graph, and Triton's own schema accepts it."""

import importlib.metadata
import importlib.util
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bundle_facts import DEVICE, card_facts, export_of, unpacked, verified
from card_facts import SPEC
from foreign_models import dynamic_int8

from workers.contracts.after.load import CardLoad, SweepResult, VersionLoad
from workers.contracts.bundles import ExportParams
from workers.export import triton
from workers.export.layout import plain_name
from workers.export.triton import Tensor, config

text_format = pytest.importorskip("google.protobuf.text_format")
PICTURE = Tensor("x", "float32", (None, 3, 8, 8))
SCORES = Tensor("y", "float32", (None, 2))


def params(**more: Any) -> ExportParams:
    facts = card_facts("onnxruntime-cpu", DEVICE).model_copy(update={"load": more.pop("load", None)})
    return export_of(SimpleNamespace(folder="m", data="d"), "triton", facts=facts, **more)


def under_load(batch: int) -> CardLoad:
    this = VersionLoad.model_construct(sweep=SweepResult.model_construct(points=(), knee_batch=batch))
    return CardLoad.model_construct(this=this, made_at="2026-01-01", seconds=1.0, processor="p", cores=2)


def parsed(text: str) -> Any:
    """Parse with Triton's own definition, loaded alone because its package needs grpc."""
    place = importlib.metadata.distribution("tritonclient").locate_file("tritonclient/grpc/model_config_pb2.py")
    found = importlib.util.spec_from_file_location("triton_model_config", str(place))
    assert found is not None and found.loader is not None
    messages = importlib.util.module_from_spec(found)
    found.loader.exec_module(messages)
    return text_format.Parse(text, messages.ModelConfig())


def made(inputs: list[Tensor], outputs: list[Tensor], spec: Any = SPEC, **more: Any) -> Any:
    return parsed(config("cats", inputs, outputs, spec, params(**more)))


def test_requests_are_joined_by_the_batch_that_was_measured() -> None:
    """Given a knee of 16, then Triton joins requests up to it; given none, then it does not."""
    measured = made([PICTURE], [SCORES], load=under_load(16), settings={"num_threads": 3})
    assert measured.max_batch_size == 16 and list(measured.dynamic_batching.preferred_batch_size) == [16]
    assert measured.parameters["intra_op_thread_count"].string_value == "3"
    plain = made([PICTURE], [SCORES], load=None)
    assert plain.max_batch_size == triton.UNMEASURED_BATCH and not plain.HasField("dynamic_batching")


def test_what_rounds_over_a_batch_gets_one_item_at_once(tmp_path: Path) -> None:
    """Given a version of onnxruntime's dynamic quantizer, then Triton joins nothing, whatever paid when it was measured."""
    dynamic_int8(tmp_path / "model.onnx")
    found = made([PICTURE], [SCORES], load=under_load(16), model_dir=str(tmp_path))
    assert found.max_batch_size == 1 and not found.HasField("dynamic_batching")


def test_sizes_and_kinds_are_the_graphs() -> None:
    """Given a free batch, then sizes stand without it and the classes have their names; free sizes are −1."""
    found = made([Tensor("x", "uint8", (None, None, 3))], [SCORES])
    assert (found.input[0].data_type, list(found.input[0].dims)) == (2, [-1, 3])
    assert (list(found.output[0].dims), found.output[0].label_filename) == ([2], "labels.txt")
    assert made([PICTURE], [Tensor("y", "float32", (None,))]).output[0].HasField("reshape")


@pytest.mark.parametrize(
    ("inputs", "spec"),
    [
        ([Tensor("x", "float32", (1, 3, 8, 8))], SPEC),
        ([PICTURE, Tensor("other", "float32", (None, 2))], SPEC),
        ([PICTURE], replace(SPEC, links={"x": "y"})),
        ([PICTURE], replace(SPEC, inputs=(replace(SPEC.inputs[0], batch_axis=1),))),
    ],
    ids=["fixed", "unknown input", "state", "second axis"],
)
def test_what_cannot_be_joined_is_taken_as_it_is(inputs: list[Tensor], spec: Any) -> None:
    """Given a fixed batch, a state, or a batch elsewhere, then whole shapes, and no batching even where a knee is known."""
    found = made(inputs, [SCORES], spec, load=under_load(16))
    assert found.max_batch_size == 0 and not found.HasField("dynamic_batching")
    assert len(found.input[0].dims) == len(inputs[0].shape)


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "größe", "a\nb", "serving_default:0"])
def test_any_name_of_a_tensor(name: str) -> None:
    """Given a name that has to be escaped, then it comes back as it was."""
    spec = replace(SPEC, inputs=(replace(SPEC.inputs[0], name=name),))
    assert made([Tensor(name, "float32", (None, 3))], [SCORES], spec).input[0].name == name


def test_names_of_repositories() -> None:
    """Given a project's name, then a folder that every system and address takes."""
    assert plain_name("Größe / Cats: v2!") == "gr-e-cats-v2" and plain_name("模型") == "model"


def test_the_whole_bundle(make_small, tmp_path: Path) -> None:
    """Given a small model, then the repository is whole, runs by its own code, and verifies."""
    _, folder = unpacked(export_of(make_small("cnn"), "triton"), tmp_path)
    assert (folder / "p" / "1" / "model.onnx").is_file() and parsed((folder / "p" / "config.pbtxt").read_text())
    assert "--load-model=p\n" in (folder / "start.sh").read_text()
    checked = verified(folder)
    assert checked.ok, checked.findings
