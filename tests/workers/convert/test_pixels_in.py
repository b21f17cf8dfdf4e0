"""The preparation of pictures inside the model: same answers for pixels and for prepared inputs, alone and stacked."""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from small_models import build_cnn, classes, floats, model_of, nodes_of, predictions, weight, write_folder
from special_models import PICTURE_STEPS, build_nhwc, picture_item, pictures_of

from presets.sample import FOLDER
from workers import registry
from workers.contracts.errors import InputRefused
from workers.contracts.techniques import Model
from workers.convert import pixels_in
from workers.convert.graphs import onnx_files
from workers.infer.pixels import as_pixels
from workers.measure.opening import open_session
from workers.measure.requests import load_requests
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import write_prepared
from workers.pipeline.spec import ImageSteps, PipelineInput, PipelineOutput, PipelineSpec

TECHNIQUES = registry.techniques()
RNG = np.random.default_rng
RUNTIMES = ("onnxruntime-cpu", "openvino")
CLOTHES = PipelineSpec(
    task="image-classification",
    inputs=(PipelineInput(name="picture", dtype="float32", shape=(None, 1, 28, 28), source="image"),),
    outputs=(PipelineOutput(name="scores", dtype="float32", shape=(None, 10), answer=True),),
    preprocess=ImageSteps(resize=(28, 28), channels="gray"),
    answer_kind="class",
)
RGB_255 = ImageSteps(resize=(12, 12), mean=(123.0, 116.0, 103.0), std=(58.0,), range="0..255", layout="nhwc")
BGR = ImageSteps(resize=(12, 12), mean=(0.5,), std=(0.25,), channels="bgr", layout="nhwc")
MODELS = {
    "bgr, nchw": (build_cnn, pictures_of(PICTURE_STEPS, (3, 16, 16), 5)),
    "rgb, nhwc, 0..255": (build_nhwc, pictures_of(RGB_255, (12, 12, 3), 3)),
    "bgr, nhwc": (build_nhwc, pictures_of(BGR, (12, 12, 3), 3)),
}


@pytest.fixture(autouse=True)
def timed_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the technique take two rounds of its times, which are in a sentence alone."""
    monkeypatch.setattr(pixels_in, "ROUNDS", 2)


def written(folder: Path, proto: onnx.ModelProto, spec: PipelineSpec, steps: ImageSteps | None = None) -> Model:
    """A model's folder, and data that was prepared for it."""
    model = write_folder(folder, proto, spec)
    rng, prepared = RNG(3), steps or spec.preprocess
    if isinstance(prepared, ImageSteps):
        side, name = spec.inputs[0].shape[2] or 16, spec.inputs[0].name
        for split in ("test", "calibration"):
            items = [{name: picture_item(rng, prepared, side)["image"]} for _ in range(16)]
            write_prepared(folder.parent / "data" / split, items)
    return model


def small_of(model: Model) -> SimpleNamespace:
    """The model as `apply` takes it."""
    return SimpleNamespace(model=model, folder=model.folder, data=model.folder.parent / "data")


@pytest.fixture
def applied(apply: Callable[..., Model]) -> Callable[..., Model]:
    """`applied(model, technique, …)`: the techniques one after the other with their usual settings."""

    def run(model: Model, *techniques: str) -> Model:
        original = small_of(model)
        return functools.reduce(lambda source, name: apply(TECHNIQUES[name], original, source), techniques, model)

    return run


def photo(path: Path, size: tuple[int, int] = (37, 29)) -> Path:
    """A colored picture of another size than models take; smooth, so that resizing has something to do."""
    y, x = np.mgrid[: size[1], : size[0]]
    values = np.stack([x * 255 / size[0], y * 255 / size[1], (x * y) % 256], axis=-1).astype(np.uint8)
    Image.fromarray(values).save(path)
    return path


def check_same(model: Model, variant: Model, feeds: dict[str, np.ndarray], runtime: str) -> None:
    wanted, got = (predictions(m.folder, runtime, feeds)[0]["logits"] for m in (model, variant))
    np.testing.assert_allclose(got, wanted, atol=1e-4 * np.abs(wanted).max())


def clothes() -> onnx.ModelProto:
    return onnx.load(FOLDER / "clothes.onnx")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("which", ["clothes", *MODELS])
def test_picture_gives_the_same_prediction(which: str, runtime: str, applied, tmp_path: Path) -> None:
    """Given a picture file, Then the variant's pipeline hands over 8-bit pixels, and the answer is the original's."""
    build, spec = MODELS.get(which, (clothes, CLOTHES))
    model = written(tmp_path / "model", build(), spec)
    variant = applied(model, "pixels_in")
    picture, name = photo(tmp_path / "photo.png"), spec.inputs[0].name
    before, after = load_pipeline(model.folder), load_pipeline(variant.folder)
    floats_, pixels = before.feeds_from(picture), after.feeds_from(picture)
    assert floats_[name].dtype == np.float32 and pixels[name].dtype == np.uint8
    assert pixels[name].shape[1:3] == (spec.preprocess.resize)
    old, new = (open_session(m.folder, runtime, {}, 1) for m in (model, variant))
    wanted = before.answer(old, floats_)
    np.testing.assert_allclose(after.answer(new, pixels), wanted, atol=1e-4 * np.abs(wanted).max())
    # the original's own interface, several at once
    many = {
        name: np.concatenate([floats_[name], picture_item(RNG(5), spec.preprocess, pixels[name].shape[1])["image"]])
    }
    wanted = before.answer(old, many)
    np.testing.assert_allclose(after.answer(new, many), wanted, atol=1e-4 * np.abs(wanted).max())


def test_preparation_is_in_the_graph(applied, tmp_path: Path) -> None:
    """Given the variant's file, Then its one input is uint8 with channels last, and arrays of pixels go straight in."""
    build, spec = MODELS["bgr, nchw"]
    variant = applied(written(tmp_path / "model", build(), spec), "pixels_in")
    proto = onnx_files.load(variant.main)
    (value,) = proto.graph.input
    dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    assert value.name == "image" and value.type.tensor_type.elem_type == TensorProto.UINT8 and dims[1:] == [16, 16, 3]
    pixels = RNG(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    given = load_pipeline(variant.folder).feeds_from(pixels)["image"]
    np.testing.assert_array_equal(given, pixels)
    note = " ".join(variant.artifact.notes)
    assert "ms before" in note and "ms now" in note


def test_taken_names_are_avoided(applied, tmp_path: Path) -> None:
    """Given a weight that is called as ours would be, Then another name is found, and answers stay."""
    proto = build_cnn()
    onnx_files.lift_constants(proto)
    for node in proto.graph.node:
        node.input[:] = ["pixels_scale" if name == "w3" else name for name in node.input]
    next(tensor for tensor in proto.graph.initializer if tensor.name == "w3").name = "pixels_scale"
    model = written(tmp_path / "model", proto, MODELS["bgr, nchw"][1])
    variant = applied(model, "pixels_in")
    check_same(model, variant, picture_item(RNG(8)), "openvino")


def test_without_examples_no_time_is_reported(apply, tmp_path: Path) -> None:
    """Given no data at all, Then answers are checked on made pictures, and there is no note about time."""
    build, spec = MODELS["bgr, nhwc"]
    model = written(tmp_path / "model", build(), spec)
    variant = apply(pixels_in.SPEC, small_of(model), with_data=False)
    assert not any(" ms " in note for note in variant.artifact.notes)


@pytest.mark.parametrize(
    "steps",
    [
        ("pixels_in", "fixed_shape"),
        ("fixed_shape", "pixels_in"),
        ("pixels_in", "int8_static"),
        ("int8_static", "pixels_in"),
        ("pixels_in", "bf16"),
        ("bf16", "pixels_in"),
        ("pixels_in", "graph_optimize", "fixed_shape"),
        ("int8_static", "pixels_in", "fixed_shape"),
    ],
    ids="+".join,
)
def test_pixels_in_stacks_in_any_order(steps: tuple[str, ...], applied, tmp_path: Path) -> None:
    """Given other steps before or after it, Then in each runtime both interfaces are answered, as without it or with 8
    bits' noise."""
    build, spec = MODELS["bgr, nchw"]
    model = written(tmp_path / "model", build(), spec)
    variant = applied(model, *steps)
    for runtime in RUNTIMES:
        if runtime in (variant.artifact.runtimes or RUNTIMES):
            check_both_interfaces(
                model, variant, runtime, 0.1 if {"int8_static", "bf16"}.intersection(steps) else 1e-4, tmp_path
            )
            continue
        with pytest.raises(InputRefused):
            open_session(variant.folder, runtime, {}, 1)


def check_both_interfaces(model: Model, variant: Model, runtime: str, most: float, tmp_path: Path) -> None:
    session = open_session(variant.folder, runtime, {}, 1)
    picture = photo(tmp_path / "photo.png")
    before, after = load_pipeline(model.folder), load_pipeline(variant.folder)
    feeds = before.feeds_from(picture)
    wanted = before.answer(open_session(model.folder, "onnxruntime-cpu", {}, 1), feeds)
    got = after.answer(session, after.feeds_from(picture))
    np.testing.assert_allclose(got, wanted, atol=most * np.abs(wanted).max())
    np.testing.assert_allclose(after.answer(session, feeds), got, atol=1e-5)
    assert not np.array_equal(after.answer(session, {"image": feeds["image"][..., ::-1]}), got)


def test_cascade_after_pixels_in_takes_pixels(apply, applied, tmp_path: Path) -> None:
    """Given a cascade after it, Then both models take pixels and prepared inputs; before a cascade it is refused."""
    build, spec = MODELS["bgr, nchw"]
    model = written(tmp_path / "model", build(), spec)
    variant = applied(model, "pixels_in")
    params = {"first": "int8_static", "max_second_share": 1.0, "missed_share": 0.05}
    both = apply(TECHNIQUES["cascade"], small_of(model), variant, **params)
    feeds = {"image": np.concatenate([picture_item(RNG(number))["image"] for number in range(6)])}
    pixels = {"image": as_pixels(feeds["image"], both.artifact.settings["pixels"])}
    (wanted,) = predictions(model.folder, "onnxruntime-cpu", feeds)
    got, of_pixels = (outputs["logits"] for outputs in predictions(both.folder, "openvino", feeds, pixels))
    np.testing.assert_allclose(got, wanted["logits"], atol=0.1 * np.abs(wanted["logits"]).max())
    np.testing.assert_allclose(of_pixels, got, atol=1e-5)
    for source, reason in ((both, "two models"), (variant, "already")):
        with pytest.raises(InputRefused, match=reason):
            apply(pixels_in.SPEC, small_of(model), source)


def test_pruning_after_pixels_in_is_refused(applied, tmp_path: Path) -> None:
    """Given pruning after it, Then the error names the step that has to come first."""
    build, spec = MODELS["bgr, nchw"]
    with pytest.raises(InputRefused, match="has to come later"):
        applied(written(tmp_path / "model", build(), spec), "pixels_in", "structured_prune")


def test_timed_requests_are_pixels(applied, tmp_path: Path) -> None:
    """Given data that was prepared for the original, Then the variant is timed on the pixels that they came from."""
    build, spec = MODELS["bgr, nchw"]
    model = written(tmp_path / "model", build(), spec)
    variant = applied(model, "pixels_in")
    data = tmp_path / "data"
    given = load_requests(variant.folder, data, batch=2).feed(0)["image"]
    assert given.dtype == np.uint8 and given.shape == (2, 16, 16, 3)
    assert load_requests(model.folder, data).feed(0)["image"].dtype == np.float32


BGR_SPEC = MODELS["bgr, nchw"][1]


@pytest.mark.parametrize(
    ("spec", "odd_values", "error"),
    [
        (classes("image", "float32", (3, 16, 16), 5), False, "no pictures"),
        (replace(BGR_SPEC, inputs=(replace(BGR_SPEC.inputs[0], dtype="uint8"),)), False, "already"),
        (replace(BGR_SPEC, inputs=(replace(BGR_SPEC.inputs[0], dtype="int32"),)), False, "fractional"),
        (BGR_SPEC, True, "8-bit"),
    ],
)
def test_model_that_does_not_fit_is_refused(
    spec: PipelineSpec, odd_values: bool, error: str, apply, tmp_path: Path
) -> None:
    """Given no pictures, pixels, other whole numbers, or examples between the values of 8 bits, Then it is refused."""
    model = written(tmp_path / "model", build_cnn(), spec)
    if odd_values:
        items = [{"image": RNG(1).normal(size=(1, 3, 16, 16)).astype(np.float32)}]
        write_prepared(tmp_path / "data" / "calibration", items)
    with pytest.raises(InputRefused, match=error):
        apply(pixels_in.SPEC, small_of(model))


def test_nested_graphs_read_the_prepared_picture(applied, tmp_path: Path) -> None:
    """Given a branch that reads the model's input itself, Then it gets the prepared picture, not the pixels."""
    inner = weight(RNG(2), "inner", 4, 3, 1, 1)
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node("Conv", ["image", "inner"], [name])], name, [], [floats(name, "n", 4, 16, 16)]
        )
        for name in ("then", "else")
    }
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    nodes = [helper.make_node("If", ["yes"], ["c"], **branches)]
    nodes += nodes_of("p = GlobalAveragePool (c); logits = Flatten (p)")
    proto = model_of(nodes, [floats("image", "n", 3, 16, 16)], [floats("logits", "n", 4)], [inner, yes])
    model = written(tmp_path / "model", proto, pictures_of(PICTURE_STEPS, (3, 16, 16), 4))
    variant = applied(model, "pixels_in")
    check_same(model, variant, picture_item(RNG(8)), "onnxruntime-cpu")
    assert json.loads((variant.folder / "pipeline.json").read_text())["preprocess"]["pixels"] is True
