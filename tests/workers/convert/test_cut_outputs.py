"""Outputs that nothing reads: what served them alone is cut, what is read stays, and the judgement names the cut ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from opened_parts import kept_answers_of
from small_models import KINDS, build_stateful, floats, model_of, nodes_of, predictions
from special_models import build_two_heads

from workers.contracts.errors import InputRefused
from workers.contracts.pipeline import read_pipeline, write_pipeline
from workers.convert import cut_outputs, pixels_in
from workers.convert.graphs import onnx_files
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.spec import Generation, PipelineOutput

RUNTIMES = ("onnxruntime-cpu", "openvino")


def with_outputs(small, *names: str, **changes: object) -> None:
    """Write these further outputs into the model's description."""
    path = small.folder / "pipeline.json"
    spec = read_pipeline(path.parent)
    more = tuple(PipelineOutput(name=name, dtype="float32") for name in names)
    changed = replace(spec, **{"outputs": (*spec.outputs, *more), **changes})
    write_pipeline(path.parent, changed)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_branch_of_an_unused_output_is_cut(runtime: str, make_small, apply) -> None:
    """Given a second output with two convolutions and an If, Then they and their weights are gone, predictions stay."""
    small = make_small("two_heads")
    variant = apply(cut_outputs.SPEC, small)
    proto = onnx_files.load(variant.main)
    assert [output.name for output in proto.graph.output] == ["logits"]
    assert not {"heavy", "heavy2", "choice"} & {node.name for node in proto.graph.node}
    assert {tensor.name for tensor in proto.graph.initializer} == {"w1", "w2", "w3", "b3"}
    assert [entry.name for entry in load_pipeline(variant.folder).spec.outputs] == ["logits"]
    assert variant.artifact.size_bytes < small.model.artifact.size_bytes / 2
    (note,) = variant.artifact.notes
    # Two convolutions, a Relu, the If and one operator in each of its branches.
    assert "“map” is gone, with 6 operators" in note
    (old,) = predictions(small.folder, runtime, small.feeds())
    (new,) = predictions(variant.folder, runtime, small.feeds())
    assert list(new) == ["logits"]
    np.testing.assert_allclose(new["logits"], old["logits"], atol=1e-5)


def test_nodes_that_nested_graphs_use_stay(tmp_path: Path) -> None:
    """Given an output of an If that reads outer tensors, Then their nodes stay, and only the other output's are cut."""
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


@pytest.mark.parametrize("kind", ["stateful", "cnn"])
def test_model_without_unused_outputs_is_refused(kind: str, make_small, apply) -> None:
    with pytest.raises(InputRefused, match="All of its outputs are read"):
        apply(cut_outputs.SPEC, make_small(kind))


def test_state_that_the_next_call_reads_stays(make_small, apply) -> None:
    """Given a stateful model with a further output, Then that one is cut and the state stays."""
    proto = build_stateful()
    proto.graph.node.append(helper.make_node("Neg", ["a"], ["extra"]))
    proto.graph.output.append(floats("extra", "n", 16))
    small = make_small("stateful", proto)
    with_outputs(small, "extra")
    variant = apply(cut_outputs.SPEC, small)
    assert [entry.name for entry in load_pipeline(variant.folder).spec.outputs] == ["speech", "stateN"]
    old, new = (open_session(folder, "onnxruntime-cpu", {}, 1) for folder in (small.folder, variant.folder))
    feeds = next(small.items())
    expected = load_pipeline(small.folder).answer(old, feeds)
    np.testing.assert_allclose(load_pipeline(variant.folder).answer(new, feeds), expected, atol=1e-6)


def test_outputs_of_a_text_loop_are_read() -> None:
    """Given a loop that makes texts, Then what it hands from one model to the other counts as read."""
    spec = KINDS["cnn"].spec
    names = {"states": "hidden", "hidden": "h", "ids": "ids", "scores": "words", "encoder_mask": "mask"}
    loop = Generation(start=0, end=1, longest=8, **names)
    assert cut_outputs.read_outputs(spec) == {"logits"}
    assert cut_outputs.read_outputs(replace(spec, generation=loop)) == {"logits", "hidden", "words", "mask"}


def test_answer_that_the_graph_lacks_is_refused(make_small, apply) -> None:
    """Given a description whose answer is not in the graph, Then nothing is cut: all would be gone."""
    small = make_small("two_heads")
    with_outputs(small, outputs=(PipelineOutput(name="elsewhere", dtype="float32", answer=True),))
    with pytest.raises(InputRefused, match="does not give the answer"):
        apply(cut_outputs.SPEC, small)


def test_version_that_takes_pixels_is_cut(make_small, apply) -> None:
    """Given a version that takes pixels and has an unused output, Then it is cut, and prepared inputs are still taken."""
    small = make_small("pictures", build_two_heads())
    with_outputs(small, "map")
    version = apply(cut_outputs.SPEC, small, apply(pixels_in.SPEC, small))
    spec = load_pipeline(version.folder).spec
    assert [entry.name for entry in spec.outputs] == ["logits"] and spec.preprocess.pixels
    assert list(predictions(version.folder, "onnxruntime-cpu", small.feeds())[0]) == ["logits"]
    assert small.error_of(version) < 1e-4


@pytest.mark.parametrize(("answer_kind", "items"), [("class", 400), ("tensor", 330)])
def test_cut_version_is_judged_by_its_answers(answer_kind: str, items: int, make_small, apply, tmp_path: Path) -> None:
    """Given a variant without the map, Then it is safe by its answers, and the judgement names what was not compared."""
    small = make_small("two_heads", build_two_heads(), items=items)
    with_outputs(small, answer_kind=answer_kind)
    variant = apply(cut_outputs.SPEC, small)
    old, new = (kept_answers_of(folder, small.data, tmp_path) for folder in (small.folder, variant.folder))
    assert set(old.others) == {"map"} and not new.others
    data = DataSet("arrays", "person", None, None, test=tuple(Item(f"item {i}", None, ()) for i in range(items)))
    judgement = judge(data, old, new, 1.0)
    assert judgement.verdict == "safe" and judgement.n == items and judgement.changed_count == 0
    assert judgement.notes[-1] == "The output “map” is not given any more, so nothing was compared there."
    assert not any("not given any more" in note for note in judge(data, old, old, 1.0).notes)
