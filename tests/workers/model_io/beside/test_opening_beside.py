"""Open a model from elsewhere in the place of an original, with other names, dtypes and layouts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from recording import RecordingContext
from small_models import nodes_of

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import OpenBesideParams, OpenParams, OpenResult
from workers.contracts.specs import TensorSpec
from workers.measure.opening import open_session
from workers.model_io.beside.matching import Match, match
from workers.model_io.beside.opening import open_beside
from workers.model_io.opening import open_model
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared, write_prepared
from workers.pipeline.spec import BoxesSteps, ImageSteps, PipelineInput, PipelineOutput, PipelineSpec

SIDE = 8
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
Beside = Callable[..., tuple[OpenResult, Path]]


def tensor(name: str, seed: int, *shape: int, dtype: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.random.default_rng(seed).normal(0, 0.3, shape).astype(dtype), name)


def network(
    path: Path,
    *,
    names: tuple[str, str] = ("picture", "logits"),
    batch: int | str = "n",
    classes: int = 4,
    last: bool = False,
    half: bool = False,
    inner: str = "h",
    aside: bool = False,
) -> Path:
    """Write the same small network in one of several forms: other names, a fixed batch, channels last, 16-bit numbers,
    a second output."""
    kind, dtype = (HALF, np.float16) if half else (FLOAT, np.float32)
    given, answer = names
    nodes = nodes_of(f"first = Transpose <perm = [0, 3, 1, 2]> ({given})") if last else []
    nodes += nodes_of(f"""
        {inner} = Conv <pads = [1, 1, 1, 1]> ({"first" if last else given}, w1); r = Relu ({inner})
        p = GlobalAveragePool (r); f = Flatten (p); {answer} = MatMul (f, w2)
    """)
    shape = [batch, SIDE, SIDE, 3] if last else [batch, 3, SIDE, SIDE]
    outputs = [helper.make_tensor_value_info(answer, kind, [batch, classes])]
    if aside:
        nodes.append(helper.make_node("Neg", [answer], ["negative"]))
        outputs.append(helper.make_tensor_value_info("negative", kind, [batch, classes]))
    tensors = [tensor("w1", 1, 6, 3, 3, 3, dtype=dtype), tensor("w2", 2, 6, classes, dtype=dtype)]
    inputs = [helper.make_tensor_value_info(given, kind, shape)]
    graph = helper.make_graph(nodes, "small", inputs, outputs, tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(proto)
    onnx.save_model(proto, str(path))
    return path


def job(root: Path, name: str) -> RecordingContext:
    folder = root / name
    folder.mkdir()
    return RecordingContext(work_dir=folder)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Open the original in "original", and write five of its inputs to "data"."""
    ctx = job(tmp_path, "first")
    open_model(OpenParams(path=str(network(tmp_path / "original.onnx"))), ctx)
    (ctx.work_dir / "model").rename(tmp_path / "original")
    rng = np.random.default_rng(5)
    items = [{"picture": rng.normal(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)} for _ in range(5)]
    write_prepared(tmp_path / "data" / "test", items)
    return tmp_path


@pytest.fixture
def beside(place: Path) -> Beside:
    def run(path: Path, **more: Any) -> tuple[OpenResult, Path]:
        ctx = job(place, f"job{len(list(place.iterdir()))}")
        folders = {"model_dir": str(place / "original"), "data_dir": str(place / "data")}
        params = OpenBesideParams(opening=OpenParams(path=str(path), to_prove=True), **folders, **more)
        try:
            result = open_beside(params, ctx)
        except InputRefused:
            assert list(ctx.work_dir.iterdir()) == []
            raise
        return result, ctx.work_dir / result.model_dir

    return run


def predictions(folder: Path, data: Path, runtime: str) -> np.ndarray:
    """Return the predictions of a model for all items, under the original's name."""
    pipeline, session = load_pipeline(folder), open_session(folder, runtime, {}, 1)
    items = Prepared(data / "test")
    outputs = [pipeline.run(session, {name: np.array(value) for name, value in item.items()}) for item in items]
    session.close()
    return np.concatenate([np.asarray(output["logits"], np.float32) for output in outputs])


FORMS = {
    "the same": {},
    "other names": {"names": ("x", "y")},
    "a name of the original inside": {"names": ("x", "y"), "inner": "logits"},
    "names the other way round": {"names": ("logits", "picture")},
    "one at a time": {"batch": 1},
    "four at once": {"batch": 4, "names": ("x", "y")},
    "channels last": {"last": True},
    "16-bit numbers": {"half": True},
    "all of it": {"names": ("x", "y"), "last": True, "half": True, "batch": 1},
    "one output more": {"aside": True},
}


@pytest.mark.parametrize("form", FORMS)
def test_open_beside_same_network_in_another_form_gives_the_same_predictions(
    form: str, place: Path, beside: Beside
) -> None:
    """Given the original's network in another form, When it is opened beside it, Then it gives the same predictions
    under the original's names; a file without differences stays unchanged."""
    path = network(place / "other.onnx", **FORMS[form])
    result, folder = beside(path)
    want = predictions(place / "original", place / "data", "onnxruntime-cpu")
    got = predictions(folder, place / "data", result.runtime)
    tolerance = 5e-3 if FORMS[form].get("half") else 1e-5
    np.testing.assert_allclose(got, want, atol=tolerance)
    assert result.elsewhere.name == "other"
    assert result.elsewhere.sha256 == result.info.sha256
    if form in ("the same", "one at a time", "one output more"):
        assert result.elsewhere.matched == ()
        assert (folder / "model.onnx").read_bytes() == path.read_bytes()
    else:
        assert result.elsewhere.matched
        onnx.checker.check_model(str(folder / "model.onnx"), full_check=True)


@pytest.mark.parametrize("form", [name for name in FORMS if "batch" not in FORMS[name]])
def test_open_beside_openvino_ir_gives_the_same_predictions(form: str, place: Path, beside: Beside) -> None:
    """Given the same forms as OpenVINO IRs, Then OpenVINO runs them in the original's place."""
    import openvino

    source = network(place / "source.onnx", **FORMS[form])
    openvino.save_model(openvino.convert_model(str(source)), str(place / "other.xml"), compress_to_fp16=False)
    result, folder = beside(place / "other.xml")
    assert (result.runtime, result.artifact.format) == ("openvino", "openvino-ir")
    want = predictions(place / "original", place / "data", "onnxruntime-cpu")
    tolerance = 5e-3 if FORMS[form].get("half") else 1e-4
    np.testing.assert_allclose(predictions(folder, place / "data", "openvino"), want, atol=tolerance)


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"classes": 3}, "4 classes apart, the other model 3"),
        ({"names": ("x", "y"), "classes": 7}, "the other model 7"),
    ],
)
def test_open_beside_other_classes_is_refused(form: dict[str, Any], word: str, place: Path, beside: Beside) -> None:
    """Given a model with another number of classes, Then it is refused with both numbers."""
    with pytest.raises(InputRefused) as caught:
        beside(network(place / "other.onnx", **form))
    assert caught.value.code == "other_interface"
    assert word in caught.value.detail
    assert caught.value.facts["original"]["outputs"] == [{"name": "logits", "shape": [None, 4], "dtype": "float32"}]
    assert caught.value.facts["matched"][0]["original"] == "picture"


def test_open_beside_other_input_is_refused_with_both_sides(place: Path, beside: Beside) -> None:
    """Given a model of vectors for one of pictures, Then the error has names, sizes and dtypes of both."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["features", "w"], ["out"])],
        "vectors",
        [helper.make_tensor_value_info("features", FLOAT, ["n", 20])],
        [helper.make_tensor_value_info("out", FLOAT, ["n", 4])],
        [tensor("w", 3, 20, 4)],
    )
    path = place / "vectors.onnx"
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    with pytest.raises(InputRefused) as caught:
        beside(path)
    assert "picture [any, 3, 8, 8] float32" in caught.value.detail
    assert "features [n, 20] float32" in caught.value.detail
    assert caught.value.facts["other"]["inputs"] == [{"name": "features", "shape": ["n", 20], "dtype": "float32"}]


def test_open_beside_two_possible_outputs_need_a_choice(place: Path, beside: Beside) -> None:
    """Given two outputs of the same shape and other names, Then none is guessed, and the named one is taken."""
    path = network(place / "other.onnx", names=("x", "y"), aside=True)
    with pytest.raises(InputRefused) as caught:
        beside(path)
    assert caught.value.by_command == "--match ORIGINAL=OTHER"
    result, folder = beside(path, pairs={"logits": "y"})
    want = predictions(place / "original", place / "data", "onnxruntime-cpu")
    np.testing.assert_allclose(predictions(folder, place / "data", result.runtime), want, atol=1e-5)
    wrong, folder = beside(path, pairs={"logits": "negative"})
    np.testing.assert_allclose(predictions(folder, place / "data", wrong.runtime), -want, atol=1e-5)
    with pytest.raises(InputRefused) as caught:
        beside(path, pairs={"logits": "nothing"})
    assert caught.value.code == "unknown_pair"


def test_open_beside_model_that_predicts_nan_opens(place: Path, beside: Beside) -> None:
    """Given a damaged copy that predicts NaN, Then it opens, and the verdict reports it later."""
    path = network(place / "other.onnx")
    proto = onnx.load(str(path))
    broken = np.full((6, 4), np.nan, np.float32)
    proto.graph.initializer[1].CopyFrom(numpy_helper.from_array(broken, "w2"))
    onnx.save_model(proto, str(path))
    result, folder = beside(path)
    assert np.isnan(predictions(folder, place / "data", result.runtime)).all()


def test_open_beside_fixed_batch_is_in_description_and_notes(place: Path, beside: Beside) -> None:
    """Given a file for four pictures at once, Then description and notes state the batch size."""
    result, folder = beside(network(place / "other.onnx", batch=4))
    assert load_pipeline(folder).spec.inputs[0].shape[0] == 4
    assert any("4 items at once" in note for note in result.artifact.notes)


SPEC = PipelineSpec(
    task="object-detection",
    inputs=(PipelineInput(name="images", dtype="float32", shape=(None, 3, 64, 64), source="image"),),
    outputs=(
        PipelineOutput(name="boxes", dtype="float32", shape=(None, 100, 4), answer=True),
        PipelineOutput(name="scores", dtype="float32", shape=(None, 100, 20)),
        PipelineOutput(name="aside", dtype="float32", shape=(None, 7)),
    ),
    preprocess=ImageSteps(resize=(64, 64)),
    answer_kind="detection",
    postprocess=BoxesSteps(form="boxes_scores", boxes="boxes", scores="scores"),
)
IMAGE = TensorSpec(name="x", shape=(1, 3, 64, 64), dtype="float32")


def matched(*outputs: TensorSpec) -> Match:
    return match(SPEC, [IMAGE], outputs, {"images": frozenset({(1, 3, 64, 64)})}, {})


def output(name: str, *shape: int | str) -> TensorSpec:
    return TensorSpec(name=name, shape=shape, dtype="float32")


def test_match_outputs_in_another_order_by_shape() -> None:
    """Given scores before boxes under other names, Then their shapes decide; an output that nothing reads may be
    missing."""
    found = matched(output("a", 1, 100, 20), output("b", 1, 100, 4))
    assert {pair.original: pair.other for pair in found.of("output")} == {"scores": "a", "boxes": "b"}
    assert found.gone == ("aside",)


def test_match_missing_or_other_scores_are_refused() -> None:
    """Given boxes without scores or with other classes, Then they are refused."""
    for outputs in ([output("b", 1, 100, 4)], [output("b", 1, 100, 4), output("a", 1, 100, 80)]):
        with pytest.raises(InputRefused) as caught:
            matched(*outputs)
        assert "scores" in caught.value.detail


def test_match_names_count_more_than_positions() -> None:
    """Given the original's names in another order, Then the names decide."""
    found = matched(output("aside", 1, 7), output("scores", 1, 100, 20), output("boxes", 1, 100, 4))
    assert [pair.original for pair in found.adapted] == ["images"]


@pytest.mark.parametrize(
    ("dtype", "shape", "fits"),
    [
        ("float16", (1, 3, 64, 64), True),
        ("float32", (1, 64, 64, 3), True),
        ("uint8", (1, 3, 64, 64), False),
        ("float32", (1, 3, 32, 32), False),
        ("float32", (1, 1, 64, 64), False),
        ("float32", (3, 64, 64), False),
        ("float32", ("n", 3, "h", "w"), True),
    ],
)
def test_match_accepts_harmless_differences_only(dtype: str, shape: tuple[int | str, ...], fits: bool) -> None:
    """Given another input, Then fewer bits, another layout and free sizes match, and everything else is refused."""
    other = TensorSpec(name="x", shape=shape, dtype=dtype)
    outputs = [output("boxes", 1, 100, 4), output("scores", 1, 100, 20)]
    seen = {"images": frozenset({(1, 3, 64, 64)})}
    if fits:
        assert match(SPEC, [other], outputs, seen, {}).pairs
        return
    with pytest.raises(InputRefused):
        match(SPEC, [other], outputs, seen, {})
