"""The preparation of pictures inside the model: same answers for pixels and for prepared inputs, alone and stacked."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from small_models import build_cnn, classes, floats, model_of, nodes_of, weight, write_folder
from special_models import PICTURE_STEPS, build_nhwc, picture_item, pictures_of

from presets.sample import FOLDER
from workers import registry
from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.techniques import Model
from workers.convert import pixels_in
from workers.convert.graphs import onnx_files
from workers.infer.pixels import as_pixels
from workers.measure.opening import open_session
from workers.measure.requests import load_requests
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import write_prepared
from workers.pipeline.spec import ImageSteps, PipelineInput, PipelineOutput, PipelineSpec
from workers.runtime.recording import RecordingContext

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


def written(folder: Path, proto: onnx.ModelProto, spec: PipelineSpec, steps: ImageSteps | None = None) -> Model:
    """A model's folder, and beside it data that was prepared for it."""
    model = write_folder(folder, proto, spec)
    rng, prepared = RNG(3), steps or spec.preprocess
    if isinstance(prepared, ImageSteps):
        side, name = spec.inputs[0].shape[2] or 16, spec.inputs[0].name
        for split in ("test", "calibration"):
            items = [{name: picture_item(rng, prepared, side)["image"]} for _ in range(16)]
            write_prepared(folder.parent / "data" / split, items)
    return model


@pytest.fixture
def applied(tmp_path: Path) -> Callable[..., Model]:
    """`applied(model, technique, …)`: the techniques one after the other with their usual settings."""

    def run(model: Model, *techniques: str) -> Model:
        original = model.folder
        for number, name in enumerate(techniques):
            work = tmp_path / f"{'+'.join(techniques)}{number}"
            work.mkdir()
            spec = TECHNIQUES[name]
            ctx = RecordingContext(work, data_dir=original.parent / "data", original=original)
            spec.apply(model, spec.params(), ctx)
            model = read_model(work / "model")
        return model

    return run


def photo(path: Path, size: tuple[int, int] = (37, 29)) -> Path:
    """A colored picture of another size than models take; smooth, so that resizing has something to do."""
    y, x = np.mgrid[: size[1], : size[0]]
    values = np.stack([x * 255 / size[0], y * 255 / size[1], (x * y) % 256], axis=-1).astype(np.uint8)
    Image.fromarray(values).save(path)
    return path


def check_same(model: Model, variant: Model, feeds: dict[str, np.ndarray], runtime: str) -> None:
    wanted, got = (open_session(m.folder, runtime, {}, 1).run(feeds)["logits"] for m in (model, variant))
    np.testing.assert_allclose(got, wanted, atol=1e-4 * np.abs(wanted).max())


def clothes() -> onnx.ModelProto:
    return onnx.load(FOLDER / "clothes.onnx")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("which", ["clothes", *MODELS])
def test_a_picture_is_answered_as_before(which: str, runtime: str, applied, tmp_path: Path) -> None:
    """Given a picture file, then the variant's pipeline hands over 8-bit pixels, and the answer is the original's."""
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


def test_the_preparation_is_in_the_graph(applied, tmp_path: Path) -> None:
    """Given the variant's file, then its one input is uint8 with channels last, and arrays of pixels go straight in."""
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


def test_names_that_are_taken_are_left_alone(applied, tmp_path: Path) -> None:
    """Given a weight that is called as ours would be, then another name is found, and answers stay."""
    proto = build_cnn()
    onnx_files.lift_constants(proto)
    for node in proto.graph.node:
        node.input[:] = ["pixels_scale" if name == "w3" else name for name in node.input]
    next(tensor for tensor in proto.graph.initializer if tensor.name == "w3").name = "pixels_scale"
    model = written(tmp_path / "model", proto, MODELS["bgr, nchw"][1])
    variant = applied(model, "pixels_in")
    check_same(model, variant, picture_item(RNG(8)), "openvino")


def test_no_figure_is_told_without_examples(tmp_path: Path) -> None:
    """Given no data at all, then answers are checked on made pictures, and nothing is said about time."""
    build, spec = MODELS["bgr, nhwc"]
    model = written(tmp_path / "model", build(), spec)
    (tmp_path / "work").mkdir()
    artifact = pixels_in.apply(model, pixels_in.SPEC.params(), RecordingContext(tmp_path / "work"))
    assert not any(" ms " in note for note in artifact.notes)


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
def test_it_stacks_in_any_order(steps: tuple[str, ...], applied, tmp_path: Path) -> None:
    """Given other steps before or after it, then in each runtime both interfaces are answered, as without it or with 8
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


def test_two_models_as_one_take_pixels_too(applied, tmp_path: Path) -> None:
    """Given a cascade after it, then both models take pixels and prepared inputs; before a cascade it is refused."""
    build, spec = MODELS["bgr, nchw"]
    model = written(tmp_path / "model", build(), spec)
    variant = applied(model, "pixels_in")
    params = TECHNIQUES["cascade"].params(first="int8_static", max_second_share=1.0, missed_share=0.05)
    (tmp_path / "two").mkdir()
    ctx = RecordingContext(tmp_path / "two", data_dir=tmp_path / "data", original=model.folder)
    TECHNIQUES["cascade"].apply(variant, params, ctx)
    both = read_model(tmp_path / "two" / "model")
    session = open_session(both.folder, "openvino", {}, 1)
    feeds = {"image": np.concatenate([picture_item(RNG(number))["image"] for number in range(6)])}
    wanted = open_session(model.folder, "onnxruntime-cpu", {}, 1).run(feeds)["logits"]
    got = session.run(feeds)["logits"]
    np.testing.assert_allclose(got, wanted, atol=0.1 * np.abs(wanted).max())
    pixels = {"image": as_pixels(feeds["image"], both.artifact.settings["pixels"])}
    np.testing.assert_allclose(session.run(pixels)["logits"], got, atol=1e-5)
    assert "two models" in refused(both, tmp_path).detail
    assert "already" in refused(variant, tmp_path).detail


def test_pruning_comes_before_it(applied, tmp_path: Path) -> None:
    """Given pruning after it, then the refusal says which step has to come first."""
    build, spec = MODELS["bgr, nchw"]
    with pytest.raises(InputRefused, match="has to come later"):
        applied(written(tmp_path / "model", build(), spec), "pixels_in", "structured_prune")


def test_timed_requests_are_pixels(applied, tmp_path: Path) -> None:
    """Given data that was prepared for the original, then the variant is timed on the pixels that they came from."""
    build, spec = MODELS["bgr, nchw"]
    model = written(tmp_path / "model", build(), spec)
    variant = applied(model, "pixels_in")
    data = tmp_path / "data"
    given = load_requests(variant.folder, data, batch=2).feed(0)["image"]
    assert given.dtype == np.uint8 and given.shape == (2, 16, 16, 3)
    assert load_requests(model.folder, data).feed(0)["image"].dtype == np.float32


def refused(model: Model, tmp_path: Path) -> InputRefused:
    (tmp_path / "work").mkdir(exist_ok=True)
    ctx = RecordingContext(tmp_path / "work", data_dir=tmp_path / "data")
    with pytest.raises(InputRefused) as error:
        pixels_in.apply(model, pixels_in.SPEC.params(), ctx)
    assert error.value.detail.endswith(".") and not list((tmp_path / "work").iterdir())
    return error.value


BGR_SPEC = MODELS["bgr, nchw"][1]


@pytest.mark.parametrize(
    ("spec", "odd_values", "said"),
    [
        (classes("image", "float32", (3, 16, 16), 5), False, "no pictures"),
        (replace(BGR_SPEC, inputs=(replace(BGR_SPEC.inputs[0], dtype="uint8"),)), False, "already"),
        (replace(BGR_SPEC, inputs=(replace(BGR_SPEC.inputs[0], dtype="int32"),)), False, "fractional"),
        (BGR_SPEC, True, "8-bit"),
    ],
)
def test_model_that_does_not_fit_is_refused(spec: PipelineSpec, odd_values: bool, said: str, tmp_path: Path) -> None:
    """Given no pictures, pixels, other whole numbers, or examples between the values of 8 bits, Then it is refused."""
    model = written(tmp_path / "model", build_cnn(), spec)
    if odd_values:
        items = [{"image": RNG(1).normal(size=(1, 3, 16, 16)).astype(np.float32)}]
        write_prepared(tmp_path / "data" / "calibration", items)
    error = refused(model, tmp_path)
    assert said in f"{error} {error.hint}"


def test_nested_graphs_read_the_prepared_picture(applied, tmp_path: Path) -> None:
    """Given a branch that reads the model's input itself, then it gets the prepared picture, not the pixels."""
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
