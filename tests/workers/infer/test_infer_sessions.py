"""Every runtime gives the model's own names, dtypes and shapes, whatever it does inside."""

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from compiled_program import with_program
from onnx import helper

from workers import registry
from workers.contracts.errors import BackendMissing, InputRefused
from workers.contracts.folder import read_model
from workers.infer import onnxruntime_cpu, openvino, torch_cpu
from workers.infer.base import NotRunnable, fixed_at_one, split_batch, without_constants
from workers.measure.opening import find_runtime, open_session

RUNTIMES = registry.runtimes()
HERE = ("onnxruntime-cpu", "openvino")

here = pytest.mark.parametrize("runtime", HERE)


@here
def test_answers_agree_at_every_batch_and_length(runtime: str, small) -> None:
    """Given single and joined items of several sizes, Then the answers of a batch are those of its items."""
    session = open_session(small.folder, runtime, {}, 1)
    reference = open_session(small.folder, "onnxruntime-cpu", {"graph_optimization": "none"}, 1)
    for feeds in [small.feeds(), *(small.items() if small.kind in ("cnn", "transformer") else ())]:
        answers, wanted = session.run(feeds), reference.run(feeds)
        assert list(answers) == list(wanted)
        for name in wanted:
            assert answers[name].dtype == wanted[name].dtype
            np.testing.assert_allclose(answers[name], wanted[name], atol=1e-4)
    session.close()


@here
def test_answers_belong_to_the_caller(runtime: str, make_small) -> None:
    """Given two requests, Then the second does not change what the first gave."""
    small = make_small("cnn")
    session = open_session(small.folder, runtime, {}, 1)
    first, second = small.items(2)
    answer = session.run(first)["logits"]
    kept = answer.copy()
    session.run(second)
    np.testing.assert_array_equal(answer, kept)
    answer[...] = 0  # and it is writable


@here
def test_batch_one_model_takes_a_batch(runtime: str, make_small) -> None:
    """Given a model whose batch is fixed at 1, When four items come, Then it answers four."""
    proto = make_small("cnn").model.main
    fixed = onnx.load(str(proto))
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    small = make_small("cnn", fixed)
    session = open_session(small.folder, runtime, {}, 1)
    items = list(small.items(4))
    batch = {"image": np.concatenate([item["image"] for item in items])}
    together = session.run(batch)["logits"]
    apart = np.concatenate([session.run(item)["logits"] for item in items])
    assert together.shape == (4, 5)
    np.testing.assert_allclose(together, apart, atol=1e-5)


def test_openvino_with_fixed_sizes_takes_other_sizes_too(make_small) -> None:
    """Given sizes fixed at batch 1 and 5 tokens, When others come, Then they are answered all the same."""
    small = make_small("transformer")
    session = open_session(small.folder, "openvino", {"shapes": {"input_ids": [1, 5]}}, 1)
    plain = open_session(small.folder, "onnxruntime-cpu", {}, 1)
    for shape in ((1, 5), (3, 5), (1, 9), (2, 4), (1, 5)):
        feeds = {"input_ids": np.random.default_rng(0).integers(0, 50, shape)}
        np.testing.assert_allclose(session.run(feeds)["logits"], plain.run(feeds)["logits"], atol=1e-4)


def test_openvino_first_answer_behind_a_branch(make_small) -> None:
    """Given a model with an If and free sizes, When inputs grow, Then even the first answer is right."""
    small = make_small("stateful")
    session = open_session(small.folder, "openvino", {}, 1)
    plain = open_session(small.folder, "onnxruntime-cpu", {}, 1)
    rng = np.random.default_rng(1)
    for rows in (1, 2, 2, 5, 1, 7):
        feeds = {name: rng.normal(size=(rows, n)).astype(np.float32) for name, n in (("frame", 8), ("state", 16))}
        feeds["sr"] = np.array(16000)
        np.testing.assert_allclose(session.run(feeds)["stateN"], plain.run(feeds)["stateN"], atol=1e-4)


def test_wrong_feeds_are_errors(make_small) -> None:
    """Given a missing input, a wrong dtype, a wrong size, Then ValueError and not a silent cast."""
    session = open_session(make_small("cnn").folder, "openvino", {}, 1)
    for feeds in ({}, {"image": np.zeros((1, 3, 16, 16))}, {"image": np.zeros((1, 3, 17, 16, 1), np.float32)}):
        with pytest.raises(ValueError):
            session.run(feeds)


@pytest.mark.parametrize(
    ("runtime", "settings"),
    [
        ("openvino", {"no_such": 1}),
        ("openvino", {"inference_precision": "f8"}),
        ("openvino", {"num_threads": "two"}),
        ("openvino", {"shapes": {"no_such": [1]}}),
        ("onnxruntime-cpu", {"shapes": {}}),
        ("onnxruntime-cpu", {"graph_optimization": "most"}),
    ],
)
def test_wrong_settings_are_refused(runtime: str, settings: dict, make_small) -> None:
    with pytest.raises(InputRefused, match="setting"):
        open_session(make_small("cnn").folder, runtime, settings, 1)


@pytest.mark.parametrize("settings", [{"performance": "throughput"}, {"tbb_partitioner": "auto"}, {"num_threads": 1}])
def test_openvino_settings_are_taken(settings: dict, make_small) -> None:
    small = make_small("cnn")
    outputs = open_session(small.folder, "openvino", settings, 2).run(small.feeds())
    assert outputs["logits"].shape == (1, 5)


@here
def test_unknown_operator_is_refused(runtime: str, make_small) -> None:
    """Given an operator that no runtime knows, Then the error names it and has a hint."""
    node = helper.make_node("Frobnicate", ["x"], ["y"], domain="example.invented")
    value = helper.make_tensor_value_info
    graph = helper.make_graph([node], "g", [value("x", 1, [1, 20])], [value("y", 1, [1, 4])])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("example.invented", 1)]
    small = make_small("constants", helper.make_model(graph, opset_imports=opsets, ir_version=8))
    with pytest.raises(InputRefused) as caught:
        open_session(small.folder, runtime, {}, 1)
    assert "Frobnicate" in caught.value.detail
    assert caught.value.code == "unsupported_operator"


def test_model_made_for_one_runtime_is_refused_by_others(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    artifact = small.model.artifact.model_copy(update={"runtimes": ("openvino",)})
    (small.folder / "artifact.json").write_text(artifact.model_dump_json())
    with pytest.raises(InputRefused, match="cannot run this variant"):
        open_session(small.folder, "onnxruntime-cpu", {}, 1)


def test_every_runtime_is_found_with_a_hint_where_it_is_missing() -> None:
    """Given this machine, Then each runtime is here or has a hint how to get it; those that are here open."""
    assert not RUNTIMES.broken
    assert {"onnxruntime-cpu", "openvino", "torch-cpu", "onnxruntime-cuda", "torch-cuda"} <= set(RUNTIMES)
    for runtime in RUNTIMES.values():
        state = runtime.available()
        assert state.available or state.hint
        if not state.available:
            with pytest.raises(BackendMissing):
                find_runtime(runtime.id)
    with pytest.raises(BackendMissing):
        find_runtime("../base")
    with pytest.raises(BackendMissing):
        find_runtime("base")


def test_telemetry_of_libraries_is_off() -> None:
    """Given both libraries imported, Then neither has its own telemetry."""
    openvino.import_library()
    onnxruntime_cpu.import_library()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert sys.modules["openvino_telemetry"] is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_torch_runs_the_program_of_the_model(make_small) -> None:
    """Given a program by keyword, Then it answers under the ONNX names, read-only inputs included."""
    session = torch_cpu.load(with_program(make_small("cnn")).folder / "model.onnx", {}, 1)
    feeds = {"image": np.ones((3, 3, 16, 16), np.float32)}
    feeds["image"].flags.writeable = False
    answers = session.run(feeds)
    logits = answers["logits"]
    assert list(answers) == ["logits"] and logits.shape == (3, 5) and logits.dtype == np.float32
    logits[...] = 0
    session.close()


def test_torch_without_a_program_is_refused(make_small) -> None:
    with pytest.raises(NotRunnable, match="no torch source"):
        torch_cpu.load(make_small("cnn").model.main, {}, 1)


def test_constants_are_dropped_or_refused() -> None:
    feeds = {"sr": np.array(16000), "x": np.zeros(1)}
    assert list(without_constants(feeds, {"sr": 16000})) == ["x"]
    with pytest.raises(ValueError, match="sr = 8000"):
        without_constants(feeds, {"sr": 8000})


def test_split_is_by_the_inputs_that_are_fixed_at_one() -> None:
    feeds = {"a": np.zeros((3, 2)), "s": np.zeros((2, 1))}
    assert fixed_at_one(feeds, {"a": (1, 2), "s": (2, 1)}) == {"a"}
    assert [part["a"].shape for part in split_batch(feeds, frozenset({"a"}))] == [(1, 2)] * 3
    assert split_batch({**feeds, "b": np.zeros((2, 2))}, frozenset({"a", "b"})) == []


def test_models_stay_readable(make_small) -> None:
    """Given a folder, Then opening it in both runtimes changes no byte of it."""
    small = make_small("cnn")
    before = {path.name: path.read_bytes() for path in small.folder.iterdir()}
    for runtime in HERE:
        open_session(small.folder, runtime, {}, 1).run(small.feeds())
    assert {path.name: path.read_bytes() for path in small.folder.iterdir()} == before
    assert read_model(small.folder).artifact.main == "model.onnx"
