"""Convert ONNX models of every shape to the inner form, with a described pipeline."""

import json
import shutil
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from workers.contracts.folder import read_model
from workers.contracts.pipeline import pipeline_document
from workers.contracts.pipeline import read_pipeline as spec_in
from workers.model_io.runtime import load_session
from workers.pipeline.pipeline import load_pipeline


def picture_model(onnx_model, shape=("batch", 3, 8, 8), classes=5, kind="FLOAT", **more):
    """Build a model that multiplies the average of each channel by weights."""
    channels = shape[1]
    nodes = "p = GlobalAveragePool (x); f = Flatten (p); y = MatMul (f, w)"
    weights = {"w": np.random.default_rng(0).standard_normal((channels, classes)).astype(np.float32)}
    return onnx_model(nodes, {"x": (kind, shape)}, {"y": ("FLOAT", [shape[0], classes])}, weights, **more)


def test_onnx_picture_model_is_described_and_predicts(onnx_model, saved, opened):
    # Given a classifier of 8×8 pictures
    result, folder = opened(saved(picture_model(onnx_model)))
    # Then the inner form is complete and described
    model = read_model(folder)
    assert model.artifact.main == "model.onnx"
    assert model.artifact.precision == "fp32"
    assert result.info.inputs[0].meaning == "a picture, 8×8, RGB"
    assert result.info.outputs[0].meaning == "scores of 5 classes"
    assert result.info.parameters == 15
    assert result.info.opset == 17
    assert "mean" in spec_in(folder).guessed
    # And a picture gives five probabilities
    pipeline = load_pipeline(folder)
    answer = pipeline.answer(load_session(model.main), pipeline.feeds_from(np.zeros((30, 40, 3), np.uint8)))
    assert answer.shape == (1, 5)
    assert sum(share for _, share in pipeline.describe(answer)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("shape", "options", "wanted"),
    [
        (["n", 1, 28, 28], {}, {"channels": "gray", "layout": "nchw", "resize": (28, 28)}),
        ([1, 3, 32, 16], {}, {"channels": "rgb", "layout": "nchw", "resize": (32, 16)}),
        (["n", 3, "h", "w"], {}, {"channels": "rgb", "layout": "nchw", "resize": (224, 224)}),
        (["n", 3, "h", "w"], {"preprocess": "resize=16,crop=8,mean=0,std=1,channels=bgr"},
         {"channels": "bgr", "resize": 16, "crop": 8}),
    ],
)  # fmt: skip
def test_onnx_preparation_is_guessed_from_shapes_or_requested(onnx_model, saved, opened, shape, options, wanted):
    _, folder = opened(saved(picture_model(onnx_model, shape)), **options)
    spec = spec_in(folder)
    assert {name: getattr(spec.preprocess, name) for name in wanted} == wanted
    assert bool(spec.guessed) is not bool(options)


def test_onnx_channels_last_with_a_thousand_classes_gets_imagenets_names(onnx_model, saved, opened):
    nodes = "t = Transpose <perm = [0, 3, 1, 2]> (x); p = GlobalAveragePool (t); f = Flatten (p); y = MatMul (f, w)"
    ends = {"x": ("FLOAT", ["n", 224, 224, 3])}, {"y": ("FLOAT", ["n", 1000])}
    _, folder = opened(saved(onnx_model(nodes, *ends, {"w": np.ones((3, 1000), np.float32)})))
    spec = spec_in(folder)
    assert (spec.preprocess.layout, spec.preprocess.resize, spec.preprocess.crop) == ("nhwc", 256, (224, 224))
    assert spec.classes is not None and spec.classes[0] == "tench"
    assert "classes" in spec.guessed


def test_onnx_missing_shape_is_requested_and_taken(onnx_model, saved, opened, refused):
    # Given a model whose input has no shape, and whose first layer has no weights
    model = onnx_model("r = Relu (x); y = MatMul (r, w)")
    model.graph.input[0].type.tensor_type.ClearField("shape")
    # When no shape is given / Then it is requested
    assert "--shape" in refused(saved(model)).by_command
    # When the shape is given / Then it opens
    result, folder = opened(saved(model), shapes={"": (1, 4)})
    assert spec_in(folder).inputs[0].shape == (None, 4)
    assert any("shape" in finding.what for finding in result.info.findings)


def test_onnx_table_model_of_whole_numbers_has_probabilities(onnx_model, saved, opened):
    nodes = f"f = Cast <to = {TensorProto.FLOAT}> (x); z = MatMul (f, w); y = Softmax (z)"
    path = saved(onnx_model(nodes, {"x": ("INT32", ["n", 4])}))
    path.with_name("config.min.json").write_text(json.dumps({"labels": ["a", "b", "c", "d"], "n": 4}))
    result, folder = opened(path)
    spec = spec_in(folder)
    assert result.info.task == "array-classification"
    assert result.info.inputs[0].meaning == "4 whole numbers"
    assert (spec.scores, spec.classes) == ("probabilities", ("a", "b", "c", "d"))


def test_onnx_decision_tree_holds_its_numbers_as_weights(onnx_model, saved, opened):
    """Given a tree whose numbers are attributes, When it opens, Then they count as its weights and it predicts."""
    tree = {"nodes_treeids": [0] * 3, "nodes_nodeids": [0, 1, 2], "nodes_featureids": [2, 0, 0]}
    tree |= {"nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [0.5, 0.0, 0.0]}
    tree |= {"nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0]}
    tree |= {"target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.0, 7.0]}
    node = ("TreeEnsembleRegressor", ["x"], ["y"], {"domain": "ai.onnx.ml", "n_targets": 1, **tree})
    model = onnx_model([node], outputs={"y": ("FLOAT", ["batch", 1])}, weights={})
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    result, folder = opened(saved(model))
    assert result.info.parameters == 5
    pipeline = load_pipeline(folder)
    answer = pipeline.answer(load_session(folder / "model.onnx"), {"x": np.array([[0, 0, 1, 0]], np.float32)})
    assert answer.tolist() == [[7.0]]


@pytest.mark.parametrize(
    ("labels", "names"),
    [({"classlabels_strings": ["no", "yes"]}, ("no", "yes")), ({"classlabels_int64s": [3, 7]}, ("3", "7"))],
)
def test_onnx_list_of_maps_becomes_scores_of_named_classes(onnx_model, saved, opened, labels, names):
    """Given a classifier as skl2onnx writes it, When it opens, Then its scores are an array with the class names."""
    nodes = [("MatMul", ["x", "w"], ["z"], {}), ("Softmax", ["z"], ["p"], {})]
    nodes.append(("ZipMap", ["p"], ["y"], {"domain": "ai.onnx.ml", **labels}))
    model = onnx_model(nodes, weights={"w": np.eye(4, 2, dtype=np.float32)})
    one = helper.make_map_type_proto(
        TensorProto.INT64 if names[0] == "3" else TensorProto.STRING,
        helper.make_tensor_type_proto(TensorProto.FLOAT, []),
    )
    model.graph.output[0].type.CopyFrom(helper.make_sequence_type_proto(one))
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    result, folder = opened(saved(model))
    spec = spec_in(folder)
    assert (result.info.task, spec.answer_kind, spec.classes) == ("array-classification", "class", names)
    scores = load_session(folder / "model.onnx").run({"x": np.array([[2, 0, 5, 5]], np.float32)})["y"]
    assert scores.shape == (1, 2) and scores[0].argmax() == 0


def test_onnx_state_is_linked_and_sample_rate_is_constant(onnx_model, saved, opened):
    # Given a model with a state and a sample rate
    nodes = f"""
        m = ReduceMean <axes = [1], keepdims = 1> (input); a = Mul (m, w)
        s = ReduceMean <axes = [0, 2], keepdims = 0> (state); z = Add (a, s); output = Sigmoid (z)
        rate = Cast <to = {TensorProto.FLOAT}> (sr); stateN = Add (state, rate)
    """
    inputs = {"input": ("FLOAT", [None, None]), "state": ("FLOAT", [2, None, 8]), "sr": ("INT64", [])}
    outputs = {"output": ("FLOAT", [None, 1]), "stateN": ("FLOAT", [None, None, None])}
    result, folder = opened(saved(onnx_model(nodes, inputs, outputs, {"w": np.ones((1, 1), np.float32)})))
    # Then the pipeline has both, in the model's own order of inputs
    spec = spec_in(folder)
    assert [entry.source for entry in spec.inputs] == ["audio", "state", "constant"]
    assert spec.links == {"state": "stateN"}
    assert (spec.task, spec.answer_kind, spec.scores) == ("audio-frames", "score", "probabilities")
    assert result.info.outputs[1].meaning == "memory for the next step"


def test_onnx_weights_in_constant_nodes_and_branches_are_counted(onnx_model, saved, opened):
    # Given a model whose weights lie in the two branches of an If
    def branch(name, value):
        tensor = helper.make_tensor(f"t{name}", TensorProto.FLOAT, [4], [value] * 4)
        node = helper.make_node("Constant", [], [name], value=tensor)
        return helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4])])

    nodes = [
        ("ReduceSum", ["x"], ["s"], {"keepdims": 0}),
        ("Cast", ["s"], ["c"], {"to": TensorProto.BOOL}),
        ("If", ["c"], ["k"], {"then_branch": branch("a", 1.0), "else_branch": branch("b", 2.0)}),
        ("Add", ["x", "k"], ["y"], {}),
    ]
    result, _ = opened(saved(onnx_model(nodes, weights={})))
    assert result.info.parameters == 8


def test_onnx_external_data_are_copied(onnx_model, tmp_path, opened, inspected):
    folder = tmp_path / "given"
    folder.mkdir()
    model = onnx_model(weights={"w": np.eye(4, dtype=np.float32)})
    onnx.save_model(model, str(folder / "m.onnx"), save_as_external_data=True, location="m.bin", size_threshold=0)
    assert inspected(folder / "m.onnx").size_bytes == sum(f.stat().st_size for f in folder.iterdir())
    _, inner = opened(folder)
    pipeline = load_pipeline(inner)
    answer = pipeline.answer(load_session(inner / "model.onnx"), pipeline.feeds_from(np.arange(4)))
    assert answer.tolist() == [[0, 1, 2, 3]]


def test_onnx_stored_pipeline_is_used_unchanged(onnx_model, saved, opened):
    # Given a model that was opened once and contains its pipeline
    _, folder = opened(saved(picture_model(onnx_model)))
    spec = replace(spec_in(folder), classes=("a", "b", "c", "d", "e"), guessed=())
    model = picture_model(onnx_model, fettle__pipeline=json.dumps(pipeline_document(spec)))
    shutil.rmtree(folder)
    _, folder = opened(saved(model))
    assert spec_in(folder) == spec


def test_onnx_license_and_labels_are_read_from_metadata_and_readme(onnx_model, saved, opened):
    path = saved(picture_model(onnx_model, names="{0: 'v', 1: 'w', 2: 'x', 3: 'y', 4: 'z'}"))
    path.with_name("README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n", encoding="utf-8")
    result, folder = opened(path)
    assert result.info.license == "Apache-2.0"
    assert spec_in(folder).classes == ("v", "w", "x", "y", "z")


def test_onnx_several_inputs_and_outputs_stay_arrays(onnx_model, saved, opened):
    inputs = {"x": ("FLOAT", ["n", 4]), "s": ("FLOAT", [1]), "i": ("INT64", ["n"])}
    outputs = {"z": ("FLOAT", ["n", 4]), "j": ("INT64", ["n"])}
    result, folder = opened(saved(onnx_model("y = MatMul (x, w); z = Mul (y, s); j = Identity (i)", inputs, outputs)))
    assert spec_in(folder).task == "arrays"
    assert [output.answer for output in spec_in(folder).outputs] == [True, False]
    assert result.info.inputs[1].meaning == "one number"


@pytest.mark.parametrize("kind", ["INT8", "UINT8"])
def test_onnx_weights_stored_in_8_bits_count_as_quantized(onnx_model, saved, inspected, kind):
    # Given weights of 8 bits that a Cast widens before they are used, with no operator of quantization
    nodes = f"wide = Cast <to = {TensorProto.FLOAT}> (w); scaled = Mul (wide, scale); y = MatMul (x, scaled)"
    small = np.eye(4).astype(kind.lower())
    model = onnx_model(nodes, weights={"w": small, "scale": np.float32([0.5])})
    # Then the model counts as quantized, and its numbers are counted
    info = inspected(saved(model))
    assert info.quantized and info.parameters == 17


def test_onnx_folder_with_several_forms_opens_the_plain_one(onnx_model, saved, inspected):
    # Given a folder of the hub with the same model in three forms / When the folder is opened
    path = saved(onnx_model())
    for name in ("model_quantized.onnx", "model_fp16.onnx"):
        saved(onnx_model(weights={"w": np.zeros((4, 4), np.float32)}), name)
    alone = inspected(path)
    info = inspected(path.parent)
    # Then that is the plain one, numbers, bytes and digest are of it alone, and the others are named
    assert (info.parameters, info.size_bytes, info.sha256) == (alone.parameters, alone.size_bytes, alone.sha256)
    assert any("model_fp16.onnx, model_quantized.onnx" in finding.what for finding in info.findings)


def test_onnx_old_opset_opens_and_quantized_model_is_recognized(onnx_model, saved, opened, inspected):
    assert opened(saved(onnx_model(opset=9)))[0].info.opset == 9
    nodes = "w = DequantizeLinear (q, scale, zero); y = MatMul (x, w)"
    weights = {"q": np.ones((4, 4), np.int8), "scale": np.float32(0.1), "zero": np.int8(0)}
    weights = {name: np.asarray(value) for name, value in weights.items()}
    assert inspected(saved(onnx_model(nodes, weights=weights))).quantized
