"""Outputs that nobody reads: what served them alone goes, what is read stays, and nobody takes a gone output for alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from opened_parts import kept_answers_of
from small_models import KINDS, build_stateful, floats, model_of, nodes_of
from special_models import build_two_heads

from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.pipeline import read_pipeline, write_pipeline
from workers.contracts.techniques import Model
from workers.convert import cut_outputs, pixels_in
from workers.convert.graphs import onnx_files
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.spec import Generation, PipelineOutput
from workers.runtime.recording import RecordingContext

RUNTIMES = ("onnxruntime-cpu", "openvino")


def applied(small, work: Path) -> Model:
    work.mkdir(exist_ok=True)
    cut_outputs.apply(small.model, cut_outputs.SPEC.params(), RecordingContext(work, data_dir=small.data))
    return read_model(work / "model")


def with_outputs(small, *names: str, **changes: object) -> None:
    """Write these further outputs into the model's description."""
    path = small.folder / "pipeline.json"
    spec = read_pipeline(path.parent)
    more = tuple(PipelineOutput(name=name, dtype="float32") for name in names)
    changed = replace(spec, **{"outputs": (*spec.outputs, *more), **changes})
    write_pipeline(path.parent, changed)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_branch_of_its_own_goes_with_its_output(runtime: str, make_small, tmp_path: Path) -> None:
    """Given a second output with two convolutions and an If, then they and their weights are gone, and answers stay."""
    small = make_small("two_heads")
    variant = applied(small, tmp_path / "work")
    proto = onnx_files.load(variant.main)
    assert [output.name for output in proto.graph.output] == ["logits"]
    assert not {"heavy", "heavy2", "choice"} & {node.name for node in proto.graph.node}
    assert {tensor.name for tensor in proto.graph.initializer} == {"w1", "w2", "w3", "b3"}
    assert [entry.name for entry in load_pipeline(variant.folder).spec.outputs] == ["logits"]
    assert variant.artifact.size_bytes < small.model.artifact.size_bytes / 2
    (note,) = variant.artifact.notes
    # Two convolutions, a Relu, the If and one operator in each of its branches.
    assert "“map” is gone, with 6 operators" in note
    old = open_session(small.folder, runtime, {}, 1).run(small.feeds())
    new = open_session(variant.folder, runtime, {}, 1).run(small.feeds())
    assert list(new) == ["logits"]
    np.testing.assert_allclose(new["logits"], old["logits"], atol=1e-5)


def test_what_nested_graphs_use_stays(tmp_path: Path) -> None:
    """Given an answer from an If that reads outer tensors, then their makers stay, and only the other output's go."""
    branches = {
        f"{name}_branch": helper.make_graph(nodes_of(f"{name} = {kind} (inner, w)"), name, [], [floats(name, "n", 4)])
        for name, kind in (("then", "Add"), ("else", "Mul"))
    }
    weights = [numpy_helper.from_array(np.full(4, value, np.float32), name) for name, value in (("w", 2), ("v", 3))]
    weights.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    nodes = nodes_of("inner = Relu (x); side = Mul (inner, v); more = Neg (side)")
    nodes.append(helper.make_node("If", ["yes"], ["answer"], **branches))
    outputs = [floats(name, "n", 4) for name in ("answer", "more", "inner")]
    proto = model_of(nodes, [floats("x", "n", 4)], outputs, weights)
    assert cut_outputs.cut(proto, {"more", "inner"}) == 2
    onnx.checker.check_model(proto)
    assert [node.op_type for node in proto.graph.node] == ["Relu", "If"]
    assert {tensor.name for tensor in proto.graph.initializer} == {"w", "yes"}
    onnx.save_model(proto, str(tmp_path / "cut.onnx"))
    x = np.array([[-1, 0, 1, 2]], np.float32)
    (answer,) = onnx_files.start(tmp_path / "cut.onnx").run(None, {"x": x})
    np.testing.assert_array_equal(answer, np.maximum(x, 0) + 2)


def test_a_state_is_read_by_the_next_call(make_small, tmp_path: Path) -> None:
    """Given a stateful model, then nothing is to be cut; with a further output, that one goes and the state stays."""
    for kind in ("stateful", "cnn"):
        with pytest.raises(InputRefused, match="All of its outputs are read"):
            applied(make_small(kind), tmp_path / kind)
        assert not list((tmp_path / kind).iterdir())
    proto = build_stateful()
    proto.graph.node.append(helper.make_node("Neg", ["a"], ["extra"]))
    proto.graph.output.append(floats("extra", "n", 16))
    small = make_small("stateful", proto)
    with_outputs(small, "extra")
    variant = applied(small, tmp_path / "one")
    assert [entry.name for entry in load_pipeline(variant.folder).spec.outputs] == ["speech", "stateN"]
    old, new = (open_session(folder, "onnxruntime-cpu", {}, 1) for folder in (small.folder, variant.folder))
    feeds = next(small.items())
    pipeline = load_pipeline(small.folder)
    wanted = pipeline.answer(old, feeds)
    np.testing.assert_allclose(load_pipeline(variant.folder).answer(new, feeds), wanted, atol=1e-6)


def test_what_makes_a_text_is_read() -> None:
    """Given a loop that makes texts, then what it hands from one part to the other counts as read."""
    spec = KINDS["cnn"].spec
    names = {"states": "hidden", "hidden": "h", "ids": "ids", "scores": "words", "encoder_mask": "mask"}
    loop = Generation(start=0, end=1, longest=8, **names)
    assert cut_outputs.read_outputs(spec) == {"logits"}
    assert cut_outputs.read_outputs(replace(spec, generation=loop)) == {"logits", "hidden", "words", "mask"}


def test_an_answer_that_the_graph_lacks_is_refused(make_small, tmp_path: Path) -> None:
    """Given a description whose answer is not in the graph, then nothing is cut: all would be gone."""
    small = make_small("two_heads")
    with_outputs(small, outputs=(PipelineOutput(name="elsewhere", dtype="float32", answer=True),))
    with pytest.raises(InputRefused, match="does not give the answer"):
        applied(small, tmp_path / "work")


def test_it_follows_the_preparation_of_pictures(make_small, tmp_path: Path) -> None:
    """Given a version that takes pixels and has an unused output, then it is cut, and prepared inputs are still taken."""
    small = make_small("pictures", build_two_heads())
    with_outputs(small, "map")
    (tmp_path / "first").mkdir()
    pixels_in.apply(small.model, pixels_in.SPEC.params(), RecordingContext(tmp_path / "first", data_dir=small.data))
    (tmp_path / "second").mkdir()
    between = read_model(tmp_path / "first" / "model")
    ctx = RecordingContext(tmp_path / "second", data_dir=small.data)
    cut_outputs.apply(between, cut_outputs.SPEC.params(), ctx)
    folder = tmp_path / "second" / "model"
    spec = load_pipeline(folder).spec
    assert [entry.name for entry in spec.outputs] == ["logits"] and spec.preprocess.pixels
    wanted = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())["logits"]
    got = open_session(folder, "onnxruntime-cpu", {}, 1).run(small.feeds())
    assert list(got) == ["logits"]
    np.testing.assert_allclose(got["logits"], wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize(("answer_kind", "items"), [("class", 400), ("tensor", 330)])
def test_it_is_judged_by_what_is_left(answer_kind: str, items: int, make_small, tmp_path: Path) -> None:
    """Given a variant without the map, then it is safe by its answers, and the judgement says what was not compared."""
    small = make_small("two_heads", build_two_heads(), items=items)
    with_outputs(small, answer_kind=answer_kind)
    variant = applied(small, tmp_path / "work")
    old, new = (kept_answers_of(folder, small.data, tmp_path) for folder in (small.folder, variant.folder))
    assert set(old.others) == {"map"} and not new.others
    data = DataSet("arrays", "person", None, None, test=tuple(Item(f"item {i}", None, ()) for i in range(items)))
    found = judge(data, old, new, 1.0)
    assert found.verdict == "safe" and found.n == items and found.changed_count == 0
    assert found.notes[-1] == "The output “map” is not given any more, so nothing was compared there."
    # nothing is told where all outputs are there
    assert not any("not given any more" in note for note in judge(data, old, old, 1.0).notes)
